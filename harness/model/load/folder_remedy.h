// What a folder that is no model is instead, and what to do about it.
#ifndef HARNESS_MODEL_LOAD_FOLDER_REMEDY_H_
#define HARNESS_MODEL_LOAD_FOLDER_REMEDY_H_

#include <string>

#include "absl/status/status.h"

namespace sft::model {

// config.json and safetensors are there. The error names what stands there
// instead: an adapter, a GGUF file, a pickle, the Hub's cache, half a download.
absl::Status CheckModelFolder(const std::string& folder);

}  // namespace sft::model

#endif  // HARNESS_MODEL_LOAD_FOLDER_REMEDY_H_
