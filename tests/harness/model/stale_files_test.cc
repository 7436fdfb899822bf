// What an export over an older folder leaves of it.
#include "harness/model/load/stale_files.h"

#include <filesystem>
#include <set>

#include "harness/core/files.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::stale_files_test {
namespace {

TEST_CASE("a new export leaves no file of an older model",
          "[model][stale_files]") {
  namespace fs = std::filesystem;
  const support::TempDir dir("stale");
  const std::string folder = dir.path().string();
  for (const char* name :
       {"adapter_config.json", "chat_template.jinja", "config.json",
        "generation_config.json", "model-00001-of-00002.safetensors",
        "model.safetensors.index.json", "tokenizer.json", "README.md",
        "optimizer.pt", "my.safetensors", "model-final.safetensors"}) {
    fake::WriteBytes(folder + "/" + name, name);
  }
  fs::create_directory(dir.path() / "vocab.json");
  const auto before = ModelFilesIn(folder);
  CHECK(before.size() == 7);
  // One with the bytes that it had, one with others.
  REQUIRE(
      WriteFileAtomically(folder + "/tokenizer.json", "tokenizer.json").ok());
  REQUIRE(WriteFileAtomically(folder + "/config.json", "{}").ok());
  REQUIRE(WriteFileAtomically(folder + "/model.safetensors", "").ok());
  REQUIRE(RemoveStaleFiles(folder, before).ok());
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder)) {
    left.insert(entry.path().filename().string());
  }
  CHECK(left == std::set<std::string>{
                    "README.md", "config.json", "model-final.safetensors",
                    "model.safetensors", "my.safetensors", "optimizer.pt",
                    "tokenizer.json", "vocab.json"});
  CHECK(ModelFilesIn(folder + "/none").empty());
}

}  // namespace
}  // namespace sft::model::stale_files_test
