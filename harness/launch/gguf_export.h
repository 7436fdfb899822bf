// A loaded model with its tokenizer as one GGUF file.
#ifndef HARNESS_LAUNCH_GGUF_EXPORT_H_
#define HARNESS_LAUNCH_GGUF_EXPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/formats/dequant.h"
#include "harness/model/load/load.h"
#include "harness/model/model.h"

namespace sft::launch {

// `model` began as the files at `where`, whose tokenizer it still has; a folder
// without one gives a file without one. Returns lines that users want to know.
absl::StatusOr<std::vector<std::string>> ExportGguf(
    model::Model& model, const model::ModelLocation& where,
    const formats::StorageType& matrices, const std::string& path);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_GGUF_EXPORT_H_
