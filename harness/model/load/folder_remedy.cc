#include "harness/model/load/folder_remedy.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "absl/strings/match.h"
#include "harness/core/files.h"
#include "harness/core/status.h"

namespace sft::model {
namespace {

// The first name, in order, of a file that ends so; "" if there is none.
std::string FileEnding(const std::vector<std::string>& names,
                       std::string_view ending) {
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ToAbsl(ending))) return name;
  }
  return "";
}

}  // namespace

absl::Status CheckModelFolder(const std::string& folder) {
  const bool config = FileExists(folder + "/config.json");
  const std::string weights = folder + "/model.safetensors";
  if (config && (FileExists(weights) || FileExists(weights + ".index.json"))) {
    return absl::OkStatus();
  }
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  const auto holds = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (holds("adapter_config.json") && !config) {
    return InputError(folder,
                      "is an adapter's folder; model: names its base, and "
                      "'sftbench eval BASE --adapter DIR' reads the adapter");
  }
  if (const std::string gguf = FileEnding(names, ".gguf"); !gguf.empty()) {
    return InputError(folder,
                      absl::StrCat("is no model's folder, but holds one "
                                   "in a file; write model: ",
                                   folder, "/", gguf));
  }
  if (holds("snapshots")) {
    return InputError(folder,
                      "is the Hub's cache of a model; the folder below "
                      "snapshots/ is the model");
  }
  if (!config) return InputError(folder, "no config.json in it");
  for (const char* ending :
       {".bin", ".pth", ".pt", ".ckpt", ".h5", ".msgpack"}) {
    const std::string pickle = FileEnding(names, ending);
    if (pickle.empty() || pickle == "training_args.bin") continue;
    return InputError(
        folder, absl::StrCat("holds ", pickle,
                             ", which is not read, and no "
                             "model.safetensors; transformers converts it: "
                             "AutoModelForCausalLM.from_pretrained(F)"
                             ".save_pretrained(F)"));
  }
  if (const std::string shard = FileEnding(names, ".safetensors");
      !shard.empty()) {
    return InputError(folder, absl::StrCat("holds ", shard,
                                           ", but no model.safetensors and no "
                                           "model.safetensors.index.json that "
                                           "names the parts: is the download "
                                           "whole?"));
  }
  return InputError(folder,
                    "has neither model.safetensors nor "
                    "model.safetensors.index.json");
}

}  // namespace sft::model
