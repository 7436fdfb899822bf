// SHA-256 of files that a process asks for again and again: models of
// gigabytes, data that every cell of a sweep reads.
#ifndef HARNESS_CORE_FILE_DIGEST_H_
#define HARNESS_CORE_FILE_DIGEST_H_

#include <string>

#include "absl/status/statusor.h"

namespace sft {

// As Sha256OfFile, read once a process for each path, inode, size and
// modification time. NotFound where there is no such file.
absl::StatusOr<std::string> DigestOfFile(const std::string& path);

}  // namespace sft

#endif  // HARNESS_CORE_FILE_DIGEST_H_
