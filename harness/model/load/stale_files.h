// Of an export over an older one: the files by which other tools know what lies
// in a folder, and which would speak of what is no more there.
#ifndef HARNESS_MODEL_LOAD_STALE_FILES_H_
#define HARNESS_MODEL_LOAD_STALE_FILES_H_

#include <map>
#include <string>

#include "absl/status/status.h"

namespace sft::model {

// The folder's files of these names (weights and their shards, configurations,
// adapters, tokenizers, chat templates), each with what tells whether it has
// been written since.
std::map<std::string, std::string> ModelFilesIn(const std::string& folder);
// Removes those of `before` that have not.
absl::Status RemoveStaleFiles(const std::string& folder,
                              const std::map<std::string, std::string>& before);

}  // namespace sft::model

#endif  // HARNESS_MODEL_LOAD_STALE_FILES_H_
