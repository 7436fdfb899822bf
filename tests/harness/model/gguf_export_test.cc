// The folder that a GGUF file's tokenizer is exported to reads as the file.
#include <algorithm>
#include <filesystem>

#include "harness/text/hf_export.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::gguf_export_test {
namespace {

formats::GgufTokenizerData Tiny(const std::string& pre) {
  formats::GgufTokenizerData data;
  data.model = "gpt2";
  data.pre = pre;
  data.tokens = {"a", "b", "ab", "<s>", "</s>", "<eot>", "<eom>"};
  data.token_types = {1, 1, 1, 3, 3, 3, 3};
  data.merges = {"a b"};
  data.bos = 3;
  data.eos = 4;
  return data;
}

struct Exported {
  explicit Exported(const formats::GgufTokenizerData& data)
      : dir("gguf_export") {
    auto files = text::HfTokenizerFiles(data, "m.gguf");
    REQUIRE(files.ok());
    for (const auto& [name, bytes] : *files) {
      fake::WriteBytes((dir.path() / name).string(), bytes);
    }
    auto of_file = text::MakeTokenizerFromGguf(data);
    auto of_folder = text::LoadTokenizerFromFolder(dir.path().string());
    INFO(of_folder.status().ToString());
    REQUIRE(of_file.ok());
    REQUIRE(of_folder.ok());
    file = *std::move(of_file);
    folder = *std::move(of_folder);
  }
  nlohmann::json Read(const std::string& name) const {
    return nlohmann::json::parse(fake::ReadBytes((dir.path() / name).string()));
  }
  support::TempDir dir;
  std::unique_ptr<Tokenizer> file, folder;
};

TEST_CASE("an exported GGUF tokenizer puts the same tokens around a text",
          "[model][gguf]") {
  for (const char* pre : {"llama-bpe", "gpt-2"}) {
    for (std::optional<bool> bos :
         {std::optional<bool>(), std::optional(false), std::optional(true)}) {
      for (std::optional<bool> eos :
           {std::optional<bool>(), std::optional(false), std::optional(true)}) {
        formats::GgufTokenizerData data = Tiny(pre);
        data.add_bos = bos;
        data.add_eos = eos;
        const Exported exported(data);
        CHECK(exported.folder->added_ids() == exported.file->added_ids());
        CHECK(exported.folder->Encode("ab<eot>") ==
              exported.file->Encode("ab<eot>"));
        CHECK(exported.file->added_ids().after.empty() == !eos.value_or(false));
      }
    }
  }
  formats::GgufTokenizerData data = Tiny("gpt-2");
  data.add_bos = data.add_eos = true;
  const nlohmann::json post =
      Exported(data).Read("tokenizer.json")["post_processor"];
  CHECK(post["single"].size() == 3);
  CHECK(post["pair"].size() == 6);
  CHECK(post["special_tokens"]["<s>"]["ids"] == nlohmann::json::array({3}));
  data.bos.reset();
  data.add_eos = false;
  CHECK(Exported(data).Read("tokenizer.json")["post_processor"].is_null());
}

TEST_CASE("an exported GGUF tokenizer ends an answer where the file does",
          "[model][gguf]") {
  const auto sorted = [](std::vector<int32_t> ids) {
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  formats::GgufTokenizerData data = Tiny("gpt-2");
  data.eot = 5;
  data.eom = 6;
  const Exported all(data);
  CHECK(sorted(all.folder->stop_ids()) == sorted(all.file->stop_ids()));
  CHECK(all.folder->stop_ids().size() == 3);
  CHECK(all.folder->eos_id() == all.file->eos_id());
  const nlohmann::json config = all.Read("generation_config.json");
  CHECK(config["eos_token_id"] == nlohmann::json({4, 5, 6}));
  CHECK(config["bos_token_id"] == 3);
  data.eot = 4;
  data.eom.reset();
  const Exported one(data);
  CHECK(one.folder->stop_ids() == one.file->stop_ids());
  CHECK(one.Read("generation_config.json")["eos_token_id"] == 4);
}

}  // namespace
}  // namespace sft::model::gguf_export_test
