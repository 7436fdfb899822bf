#include "harness/model/load/stale_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string_view>

#include "harness/core/status.h"

namespace sft::model {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNames[] = {"adapter_config.json",
                                  "adapter_model.bin",
                                  "adapter_model.safetensors",
                                  "added_tokens.json",
                                  "chat_template.jinja",
                                  "chat_template.json",
                                  "config.json",
                                  "generation_config.json",
                                  "merges.txt",
                                  "model.safetensors",
                                  "model.safetensors.index.json",
                                  "sentencepiece.bpe.model",
                                  "special_tokens_map.json",
                                  "spiece.model",
                                  "tokenizer.json",
                                  "tokenizer.model",
                                  "tokenizer_config.json",
                                  "vocab.json",
                                  "vocab.txt"};

bool IsKnown(const std::string& name) {
  constexpr std::string_view kShard = "model-00000-of-00000.safetensors";
  std::string plain = name;
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c >= '0' && c <= '9'; },
      '0');
  return plain == kShard || std::find(std::begin(kNames), std::end(kNames),
                                      name) != std::end(kNames);
}

}  // namespace

std::map<std::string, std::string> ModelFilesIn(const std::string& folder) {
  std::map<std::string, std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    struct stat info;
    if (!IsKnown(name) || lstat(it->path().c_str(), &info) != 0 ||
        S_ISDIR(info.st_mode)) {
      continue;
    }
    // Files are written beside their place and moved there.
    out[name] = absl::StrCat(info.st_ino, " ", info.st_mtim.tv_sec, ".",
                             info.st_mtim.tv_nsec);
  }
  return out;
}

absl::Status RemoveStaleFiles(
    const std::string& folder,
    const std::map<std::string, std::string>& before) {
  const std::map<std::string, std::string> now = ModelFilesIn(folder);
  for (const auto& [name, stamp] : before) {
    const auto it = now.find(name);
    if (it == now.end() || it->second != stamp) continue;
    const std::string path = folder + "/" + name;
    std::error_code error;
    fs::remove(path, error);
    if (error) {
      return InputError(path, absl::StrCat("is of an older model and cannot be "
                                           "removed: ",
                                           error.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace sft::model
