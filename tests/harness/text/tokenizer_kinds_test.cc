// A thousand strings, fuzzed Unicode among them, through every kind of
// tokenizer: ids, offsets and text as the libraries have them
// (tests/golden/tokenizers.json, as digests).
#include <catch2/catch.hpp>
#include <memory>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "harness/core/digest.h"
#include "harness/formats/llama2c.h"
#include "harness/formats/sentencepiece.h"
#include "harness/text/composed_tokenizer.h"
#include "harness/text/hf_export.h"
#include "harness/text/hf_tokenizer_json.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/harness/text/golden.h"
#include "tests/support/require.h"

namespace sft::text::tokenizer_kinds_test {
namespace {

using nlohmann::json;
using MadeTokenizer = absl::StatusOr<std::unique_ptr<Tokenizer>>;

const json& Golden() {
  static const json& golden = *new json(ReadGolden("tokenizers.json"));
  return golden;
}

std::string ModelBytes(const std::string& name) {
  std::string bytes;
  REQUIRE(absl::Base64Unescape(
      Golden()["files"][name].get_ref<const std::string&>(), &bytes));
  return bytes;
}

MadeTokenizer OfJson(const json& root) {
  auto parts = ParseTokenizerJson(root, "tokenizer.json");
  if (!parts.ok()) return parts.status();
  return std::make_unique<ComposedTokenizer>(*std::move(parts));
}

// The folder that a user has: the model and its config.
MadeTokenizer OfModel(const std::string& bytes, const json& config) {
  const support::TempDir folder("tokenizer_kinds");
  const std::string path = folder.path().string();
  REQUIRE(WriteFileAtomically(path + "/tokenizer.model", bytes).ok());
  REQUIRE(
      WriteFileAtomically(path + "/tokenizer_config.json", config.dump()).ok());
  return LoadTokenizerFromFolder(path);
}

formats::GgufTokenizerData GgufOf(const json& kind) {
  formats::GgufTokenizerData data;
  data.model = kind["gguf"].get<std::string>();
  const auto of = kind["of"].get<std::string>();
  if (!kind.contains("pre")) {
    const auto model = formats::ParseSentencePiece(ModelBytes(of), of);
    if (!model.ok()) FAIL(model.status());
    for (const formats::SentencePiece& piece : model->pieces) {
      data.tokens.push_back(piece.text);
      data.scores.push_back(piece.score);
      data.token_types.push_back(static_cast<int32_t>(piece.type));
    }
    data.unk = model->unk_id;
    data.bos = model->bos_id;
    data.eos = model->eos_id;
    return data;
  }
  data.pre = kind["pre"].get<std::string>();
  const json& root = Golden()["files"][of];
  const json& model = root["model"];
  data.tokens.resize(model["vocab"].size());
  data.token_types.assign(data.tokens.size(), 1);
  for (const auto& [token, id] : model["vocab"].items()) {
    data.tokens[id.get<size_t>()] = token;
  }
  for (const json& token : root["added_tokens"]) {
    data.token_types[token["id"].get<size_t>()] = 3;
  }
  for (const json& merge : model["merges"]) {
    data.merges.push_back(absl::StrCat(merge[0].get<std::string>(), " ",
                                       merge[1].get<std::string>()));
  }
  return data;
}

MadeTokenizer OfData(const json& kind) {
  const auto path =
      support::RequireData("tokenizers/" + kind["data"].get<std::string>());
  if (path.extension() == ".bin") {
    auto data = formats::ReadLlama2cTokenizer(path.string(), 32000);
    if (!data.ok()) return data.status();
    return MakeTokenizerFromGguf(*std::move(data), path.string());
  }
  if (path.extension() == ".gz") {
    const auto lines = ReadLines(path.string());
    REQUIRE(lines.ok());
    return OfJson(json::parse(absl::StrJoin(*lines, "\n")));
  }
  const auto bytes = ReadFile(path.string());
  REQUIRE(bytes.ok());
  return OfModel(*bytes, kind["config"]);
}

MadeTokenizer Make(const json& kind) {
  if (kind.contains("data")) return OfData(kind);
  if (kind.contains("gguf")) return MakeTokenizerFromGguf(GgufOf(kind));
  if (kind.contains("model")) {
    return OfModel(ModelBytes(kind["model"]), kind["config"]);
  }
  json root = Golden()["files"][kind["json"].get<std::string>()];
  root.update(kind["pipeline"]);
  return OfJson(root);
}

std::string Digest(const std::string& text) {
  return Sha256Hex(text).substr(0, 4);
}

std::string IdsText(const std::vector<int32_t>& ids) {
  return absl::StrJoin(ids, " ");
}

// SentencePiece's tokens begin where the last one ends, but for bytes, all of
// which cover their character here: where they begin tells all.
std::string OffsetsText(const Offsets& offsets, bool begins_alone) {
  std::string out;
  for (const auto& [begin, end] : offsets) {
    if (!out.empty()) out += ' ';
    out += begins_alone ? absl::StrCat(begin) : absl::StrCat(begin, "-", end);
  }
  if (begins_alone && !offsets.empty()) {
    absl::StrAppend(&out, " ", offsets.back().second);
  }
  return out;
}

void CheckKind(const json& kind) {
  const auto name = kind["name"].get<std::string>();
  CAPTURE(name);
  const MadeTokenizer made = Make(kind);
  if (!made.ok()) FAIL(made.status());
  const Tokenizer& tokenizer = **made;
  // It leaves control symbols out of a text.
  const bool pieces = kind["library"] == "sentencepiece";
  const auto& wanted = kind["digests"].get_ref<const std::string&>();
  const json& strings = Golden()["strings"];
  REQUIRE(strings.size() == 1000);
  const size_t count = wanted.size() / 12;
  CHECK(count == (kind.contains("pre") ? 300 : 1000));
  for (size_t i = 0; i < count; ++i) {
    CAPTURE(i, strings[i].dump(-1, ' ', true));
    const auto text = strings[i].get<std::string>();
    const std::vector<int32_t> ids = tokenizer.Encode(text);
    const Encoding encoding = tokenizer.EncodeWithOffsets(text);
    CHECK(encoding.ids == ids);
    CAPTURE(IdsText(ids));
    CHECK(Digest(IdsText(ids)) == wanted.substr(12 * i, 4));
    const std::string offsets = OffsetsText(encoding.offsets, pieces);
    CAPTURE(offsets);
    CHECK(Digest(offsets) == wanted.substr(12 * i + 4, 4));
    const std::string decoded = wanted.substr(12 * i + 8, 4);
    if (decoded == "----") continue;  // ids that the library does not know
    const std::string back = tokenizer.Decode(ids, pieces);
    CAPTURE(back);
    CHECK(Digest(back) == decoded);
  }
}

TEST_CASE("Every kind of tokenizer agrees with its library on 1,000 strings",
          "[text][kinds]") {
  std::set<std::string> names;
  for (const json& kind : Golden()["kinds"]) {
    names.insert(kind["name"]);
    if (!kind.contains("data")) CheckKind(kind);
  }
  CHECK(names.size() == Golden()["kinds"].size());
}

TEST_CASE("Real tokenizers agree with their libraries on 1,000 strings",
          "[text][kinds]") {
  for (const json& kind : Golden()["kinds"]) {
    if (kind.contains("data")) CheckKind(kind);
  }
}

TEST_CASE("A GGUF tokenizer of scores reads back from what is exported",
          "[text][kinds][gguf]") {
  for (const json& kind : Golden()["kinds"]) {
    if (!kind.contains("gguf")) continue;
    CAPTURE(kind["name"].get<std::string>());
    for (const std::optional<bool> prefix :
         {std::optional<bool>(), std::optional<bool>(false)}) {
      formats::GgufTokenizerData data = GgufOf(kind);
      data.add_space_prefix = prefix;
      const auto files = HfTokenizerFiles(data, "m.gguf");
      if (!files.ok()) FAIL(files.status());
      const support::TempDir folder("kinds_export");
      for (const auto& [name, bytes] : *files) {
        REQUIRE(
            WriteFileAtomically((folder.path() / name).string(), bytes).ok());
      }
      const auto of_file = MakeTokenizerFromGguf(data);
      const auto of_folder = LoadTokenizerFromFolder(folder.path().string());
      if (!of_folder.ok()) FAIL(of_folder.status());
      CHECK((*of_folder)->added_ids() == (*of_file)->added_ids());
      for (size_t i = 0; i < 200; ++i) {
        const auto text = Golden()["strings"][i].get<std::string>();
        CAPTURE(Golden()["strings"][i].dump(-1, ' ', true));
        const std::vector<int32_t> ids = (*of_file)->Encode(text);
        CHECK((*of_folder)->Encode(text) == ids);
        CHECK((*of_folder)->Decode(ids, true) == (*of_file)->Decode(ids, true));
      }
    }
  }
}

TEST_CASE("White space behind special tokens goes where a model's name says so",
          "[text][kinds][gguf]") {
  for (const json& kind : Golden()["kinds"]) {
    if (kind["name"] != "gguf, scores") continue;
    formats::GgufTokenizerData data = GgufOf(kind);
    const std::string text = "a</s>\n b<s>\n c";
    const auto plain = MakeTokenizerFromGguf(data);
    data.strips_behind_special = true;
    const auto strips = MakeTokenizerFromGguf(data);
    REQUIRE(plain.ok());
    REQUIRE(strips.ok());
    CHECK((*strips)->Encode(text) == (*plain)->Encode("a</s>b<s>\n c"));
    CHECK((*strips)->Encode(text) != (*plain)->Encode(text));
    const auto files = HfTokenizerFiles(data, "m.gguf");
    REQUIRE(files.ok());
    for (const json& token :
         json::parse(files->at("tokenizer.json"))["added_tokens"]) {
      CHECK(token["rstrip"] == (token["content"] == "</s>"));
    }
  }
}

}  // namespace
}  // namespace sft::text::tokenizer_kinds_test
