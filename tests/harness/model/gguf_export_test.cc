// The folder that a GGUF file's tokenizer is exported to reads as the file, and
// the file that a folder's tokenizer is exported to as the folder.
#include "harness/text/gguf_export.h"

#include <algorithm>
#include <filesystem>

#include "harness/formats/gguf.h"
#include "harness/formats/gguf_writer.h"
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

TEST_CASE("a folder's tokenizer as GGUF keys is the one it came from",
          "[model][gguf]") {
  for (const char* pre : {"smollm", "gpt-2", "llama-bpe", "qwen2"}) {
    INFO(pre);
    formats::GgufTokenizerData data = Tiny(pre);
    data.pad = data.unk = 3;
    data.add_bos = true;
    data.add_eos = false;
    data.eom = 5;
    data.chat_template = "{{ messages[0].content }}";
    const Exported exported(data);
    const std::string folder = exported.dir.path().string();
    auto out = text::GgufTokenizerOfFolder(folder, *exported.folder, 9);
    INFO(out.status().ToString());
    REQUIRE(out.ok());
    CHECK(out->notes.empty());
    const formats::GgufTokenizerData& got = out->data;
    CHECK(got.model == "gpt2");
    CHECK(got.pre == pre);
    CHECK(std::vector<std::string>(got.tokens.begin(),
                                   got.tokens.begin() + 7) == data.tokens);
    CHECK(got.tokens[8] == "[PAD8]");
    CHECK(got.token_types == std::vector<int32_t>{1, 1, 1, 3, 3, 3, 3, 5, 5});
    CHECK(got.merges == data.merges);
    CHECK(got.scores.empty());
    CHECK(got.bos == data.bos);
    CHECK(got.eos == data.eos);
    CHECK(got.eom == data.eom);
    CHECK(got.pad == data.pad);
    CHECK(got.add_bos == true);
    CHECK(got.add_eos == false);
    CHECK(got.chat_template == data.chat_template);
    // Through a file, and as a tokenizer.
    const std::string path = (exported.dir.path() / "m.gguf").string();
    REQUIRE(formats::WriteGguf(path, formats::TokenizerKeys(got), {}).ok());
    auto read = ReadGgufTokenizer(path);
    INFO(read.status().ToString());
    REQUIRE(read.ok());
    auto again = text::MakeTokenizerFromGguf(*read);
    REQUIRE(again.ok());
    CHECK((*again)->Encode("ab<eot>b") == exported.folder->Encode("ab<eot>b"));
    CHECK((*again)->stop_ids() == exported.folder->stop_ids());
    CHECK((*again)->added_ids() == exported.folder->added_ids());
    // An embedding with fewer rows than tokens is no such model's.
    fake::RequireOneLine(
        text::GgufTokenizerOfFolder(folder, *exported.folder, 6).status(),
        "has the id 6");
  }
}

// SentencePiece's BPE as tokenizer.json has it.
nlohmann::json PieceTokenizer() {
  const auto special = [](int id, const char* text, bool is) {
    return nlohmann::json{{"id", id},
                          {"content", text},
                          {"special", is},
                          {"normalized", false},
                          {"single_word", false},
                          {"lstrip", false},
                          {"rstrip", false}};
  };
  return {{"added_tokens",
           {special(0, "<unk>", true), special(1, "<s>", true),
            special(7, "\u2581\u2581", false)}},
          {"normalizer",
           {{"type", "Sequence"},
            {"normalizers",
             {{{"type", "Prepend"}, {"prepend", "\u2581"}},
              {{"type", "Replace"},
               {"pattern", {{"String", " "}}},
               {"content", "\u2581"}}}}}},
          {"pre_tokenizer", nullptr},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single",
             {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
              {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
            {"pair", nlohmann::json::array()},
            {"special_tokens",
             {{"<s>", {{"id", "<s>"}, {"ids", {1}}, {"tokens", {"<s>"}}}}}}}},
          {"decoder", nullptr},
          {"model",
           {{"type", "BPE"},
            {"unk_token", "<unk>"},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"vocab",
             {{"<unk>", 0},
              {"<s>", 1},
              {"<0x0A>", 2},
              {"\u2581", 3},
              {"a", 4},
              {"aa", 5},
              {"\u2581a", 6}}},
            {"merges", nlohmann::json::array({"a a", "\u2581 a"})}}}};
}

TEST_CASE("SentencePiece's BPE becomes scores in the order of its merges",
          "[model][gguf]") {
  const support::TempDir dir("gguf_export");
  const std::string folder = dir.path().string();
  const auto data = [&](const nlohmann::json& json) {
    fake::WriteBytes(folder + "/tokenizer.json", json.dump());
    fake::WriteBytes(folder + "/tokenizer_config.json",
                     R"({"bos_token": "<s>"})");
    auto tokenizer = text::LoadTokenizerFromFolder(folder);
    INFO(tokenizer.status().ToString());
    REQUIRE(tokenizer.ok());
    return text::GgufTokenizerOfFolder(folder, **tokenizer, 8);
  };
  auto out = data(PieceTokenizer());
  INFO(out.status().ToString());
  REQUIRE(out.ok());
  const formats::GgufTokenizerData& got = out->data;
  CHECK(got.model == "llama");
  CHECK(got.token_types == std::vector<int32_t>{2, 3, 6, 1, 1, 1, 1, 4});
  CHECK(got.scores == std::vector<float>{-3, -3, -3, -3, -3, 0, -1, -3});
  CHECK(got.tokens[7] == "  ");  // as text has it
  CHECK(got.merges.empty());
  CHECK(got.unk == 0);
  CHECK(got.add_bos == true);
  CHECK(got.add_space_prefix == true);
  auto of_folder = text::LoadTokenizerFromFolder(folder);
  auto of_file = text::MakeTokenizerFromGguf(got);
  INFO(of_file.status().ToString());
  REQUIRE(of_folder.ok());
  REQUIRE(of_file.ok());
  for (const char* text : {"a aa", "aaa a", "\na", "b", ""}) {
    CAPTURE(text);
    CHECK((*of_file)->Encode(text) == (*of_folder)->Encode(text));
  }
  CHECK((*of_file)->added_ids() == (*of_folder)->added_ids());
  nlohmann::json bare = PieceTokenizer();
  bare["normalizer"] = bare["normalizer"]["normalizers"][1];
  CHECK(data(bare)->data.add_space_prefix == false);
  bare["model"]["byte_fallback"] = false;
  fake::RequireOneLine(data(bare).status(), "SentencePiece's BPE with tokens");
  bare["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}};
  fake::RequireOneLine(data(bare).status(), "no pre-tokenizer that cuts text");
}

}  // namespace
}  // namespace sft::model::gguf_export_test
