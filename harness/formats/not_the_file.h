// What often lies where a file of weights or a tokenizer should: said by name.
#ifndef HARNESS_FORMATS_NOT_THE_FILE_H_
#define HARNESS_FORMATS_NOT_THE_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace sft::formats {

// As many of a file's first bytes tell.
inline constexpr size_t kToldByBytes = 64;

// InvalidArgument where `begin`, a file's first bytes, are those of a Git LFS
// pointer, of a web page or of a PyTorch pickle.
absl::Status CheckIsTheFile(const std::string& path, std::string_view begin);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_NOT_THE_FILE_H_
