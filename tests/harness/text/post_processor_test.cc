// Layouts and offsets of a tokenizer.json's post-processor, and two small
// tokenizers of encoders against `tokenizers`
// (tests/golden/make_golden_encoders.py).
#include "harness/text/post_processor.h"

#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "harness/core/digest.h"
#include "harness/text/hf_tokenizer_json.h"
#include "tests/harness/text/golden.h"

namespace sft::text::post_processor_test {
namespace {

using nlohmann::json;

const std::vector<std::string>& Names() {
  static const auto& names =
      *new std::vector<std::string>{"wordpiece", "byte_level"};
  return names;
}

json TokenizerJson(const std::string& name) {
  return ReadGolden("encoders/" + name + ".json");
}
absl::StatusOr<ComposedTokenizer> Parse(const json& root) {
  auto parts = ParseTokenizerJson(root, "tokenizer.json");
  if (!parts.ok()) return parts.status();
  return ComposedTokenizer(*std::move(parts));
}
ComposedTokenizer Load(const std::string& name) {
  auto tokenizer = Parse(TokenizerJson(name));
  INFO(tokenizer.status().ToString());
  REQUIRE(tokenizer.ok());
  return *std::move(tokenizer);
}

// The line whose digest the golden file holds.
std::string LineOf(const Tokenizer& tokenizer, const std::string& text) {
  const Encoding encoding = tokenizer.EncodeWithOffsets(text);
  std::vector<std::string> offsets;
  for (const auto& [begin, end] : encoding.offsets) {
    offsets.push_back(absl::StrCat(begin, ":", end));
  }
  return absl::StrCat(absl::StrJoin(encoding.ids, " "), "|",
                      absl::StrJoin(offsets, " "), "|",
                      tokenizer.Decode(encoding.ids, false), "|",
                      tokenizer.Decode(encoding.ids, true));
}

// [ids, types] of one text or a pair, laid out.
std::pair<std::vector<int32_t>, std::vector<int32_t>> LaidOut(
    const Tokenizer& tokenizer, const std::string& a, const json& b) {
  const InputLayout form = tokenizer.input_layout().value();
  std::vector<int32_t> ids, types;
  auto add = [&](const std::vector<int32_t>& more, int32_t type) {
    ids.insert(ids.end(), more.begin(), more.end());
    types.insert(types.end(), more.size(), type);
  };
  const int32_t second = !b.is_null() && form.second_type ? 1 : 0;
  add(form.before, 0);
  add(tokenizer.Encode(a), 0);
  if (!b.is_null()) {
    add(form.between, 0);
    add(tokenizer.Encode(b.get<std::string>()), second);
  }
  add(form.after, second);
  return {ids, types};
}

// Ids as a vocabulary of five special tokens knows them.
std::optional<int32_t> SpecialId(std::string_view token) {
  constexpr std::string_view kTokens[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                          "</s>"};
  for (int32_t i = 0; i < 5; ++i) {
    if (kTokens[i] == token) return i;
  }
  return std::nullopt;
}
absl::StatusOr<PostProcessor> ParsePost(const std::string& text) {
  return ParsePostProcessor(json::parse(text), SpecialId, "tokenizer.json");
}

json Special(const char* id, int type) {
  return {{"SpecialToken", {{"id", id}, {"type_id", type}}}};
}
json Sequence(const char* id, int type) {
  return {{"Sequence", {{"id", id}, {"type_id", type}}}};
}
json Template(const json& single, const json& pair) {
  return {
      {"type", "TemplateProcessing"},
      {"single", single},
      {"pair", pair},
      {"special_tokens",
       {{"[CLS]", {{"id", "[CLS]"}, {"ids", {2}}, {"tokens", {"[CLS]"}}}},
        {"[SEP]", {{"id", "[SEP]"}, {"ids", {3}}, {"tokens", {"[SEP]"}}}}}}};
}

}  // namespace

TEST_CASE("Ids, offsets and texts of 500 strings equal the library's",
          "[text][encoders]") {
  const json golden = ReadGolden("encoders/tokens.json");
  const auto strings = golden["strings"].get<std::vector<std::string>>();
  REQUIRE(strings.size() == 500);
  for (const std::string& name : Names()) {
    const ComposedTokenizer tokenizer = Load(name);
    for (size_t i = 0; i < strings.size(); ++i) {
      const std::string line = LineOf(tokenizer, strings[i]);
      CAPTURE(name, json(strings[i]).dump(-1, ' ', true), line);
      Sha256 digest;
      digest.Update(line.data(), line.size());
      CHECK(digest.Hex().substr(0, 16) ==
            golden["digests"][name][i].get<std::string>());
      CHECK(tokenizer.Encode(strings[i]) ==
            tokenizer.EncodeWithOffsets(strings[i]).ids);
    }
  }
}

TEST_CASE("Texts and pairs are laid out as the library lays them out",
          "[text][encoders]") {
  const json golden = ReadGolden("encoders/tokens.json")["pairs"];
  for (const std::string& name : Names()) {
    const ComposedTokenizer tokenizer = Load(name);
    REQUIRE(tokenizer.input_layout().has_value());
    CHECK(golden[name].size() == 8);
    for (const json& item : golden[name]) {
      CAPTURE(name, item["a"].get<std::string>());
      const auto [ids, types] =
          LaidOut(tokenizer, item["a"].get<std::string>(), item["b"]);
      CHECK(ids == item["ids"].get<std::vector<int32_t>>());
      CHECK(types == item["types"].get<std::vector<int32_t>>());
    }
    // A list of words, encoded one by one.
    const InputLayout form = *tokenizer.input_layout();
    CHECK(form.space_before_words == (name == "byte_level"));
    std::vector<int32_t> ids = form.before;
    for (const json& word : golden[name + "_words"]["words"]) {
      const std::vector<int32_t> more = tokenizer.Encode(absl::StrCat(
          form.space_before_words ? " " : "", word.get<std::string>()));
      ids.insert(ids.end(), more.begin(), more.end());
    }
    ids.insert(ids.end(), form.after.begin(), form.after.end());
    CHECK(ids == golden[name + "_words"]["ids"].get<std::vector<int32_t>>());
  }
}

TEST_CASE("BERT's and RoBERTa's processors give their layouts",
          "[text][encoders]") {
  const auto bert = ParsePost(
      R"({"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]})");
  REQUIRE(bert.ok());
  REQUIRE(bert->layout.has_value());
  CHECK(bert->layout->before == std::vector<int32_t>{2});
  CHECK(bert->layout->between == std::vector<int32_t>{3});
  CHECK(bert->layout->after == std::vector<int32_t>{3});
  CHECK(bert->layout->second_type);
  CHECK_FALSE(bert->trims_offsets);
  const auto roberta = ParsePost(
      R"({"type":"Sequence","processors":[
          {"type":"ByteLevel","trim_offsets":true,"add_prefix_space":false},
          {"type":"RobertaProcessing","sep":["</s>",4],"cls":["[CLS]",2],
           "trim_offsets":false,"add_prefix_space":true}]})");
  REQUIRE(roberta.ok());
  REQUIRE(roberta->layout.has_value());
  CHECK(roberta->layout->between == std::vector<int32_t>{4, 4});
  CHECK(roberta->layout->after == std::vector<int32_t>{4});
  CHECK_FALSE(roberta->layout->second_type);
  CHECK(roberta->trims_offsets);
  CHECK_FALSE(roberta->keeps_first_space);
  const auto none = ParsePost("null");
  REQUIRE(none.ok());
  CHECK_FALSE(none->layout.has_value());
}

TEST_CASE("A template of another form is no layout", "[text][encoders]") {
  const json cls = Special("[CLS]", 0), sep = Special("[SEP]", 0);
  const json a = Sequence("A", 0), b = Sequence("B", 1);
  const json end = Special("[SEP]", 1);
  auto layout = [](const json& single, const json& pair) {
    auto post = ParsePost(Template(single, pair).dump());
    INFO(post.status().ToString());
    REQUIRE(post.ok());
    return post->layout;
  };
  const auto whole = layout({cls, a, sep}, {cls, a, sep, b, end});
  REQUIRE(whole.has_value());
  CHECK(whole->second_type);
  const auto flat = layout({cls, a, sep}, {cls, a, sep, Sequence("B", 0), sep});
  REQUIRE(flat.has_value());
  CHECK_FALSE(flat->second_type);
  // As decoders have it: a token before each text.
  const auto before = layout({cls, a}, {cls, a, Special("[CLS]", 1), b});
  CHECK_FALSE(before.has_value());
  CHECK_FALSE(layout({cls, a, sep}, {cls, b, sep, a, end}).has_value());
  CHECK_FALSE(layout({cls, a, sep}, {a, sep, b, end}).has_value());
  CHECK_FALSE(layout({cls, a, sep}, {cls, a, sep}).has_value());
  CHECK_FALSE(layout({cls, a, sep},
                     {cls, a, sep, Sequence("B", 2), Special("[SEP]", 2)})
                  .has_value());
}

TEST_CASE("What stands around one text is known whatever the pair's form",
          "[text][added_ids]") {
  const json cls = Special("[CLS]", 0), sep = Special("[SEP]", 0);
  const json a = Sequence("A", 0), b = Sequence("B", 1);
  using Ids = std::vector<int32_t>;
  for (const auto& [single, before, after] :
       std::vector<std::tuple<json, Ids, Ids>>{
           {{cls, a}, {2}, {}},
           {{a, sep}, {}, {3}},
           {{cls, cls, a, sep}, {2, 2}, {3}},
           {json::array({a}), {}, {}},
       }) {
    const auto post = ParsePost(Template(single, {a, b}).dump());
    REQUIRE(post.ok());
    CHECK(post->single == AddedIds{before, after});
  }
  // As Llama 3's: steps wrap what the ones before them left.
  const json steps = {{"type", "Sequence"},
                      {"processors",
                       {json{{"type", "ByteLevel"}}, Template({cls, a}, {a, b}),
                        Template({sep, a, sep}, {a, b})}}};
  const auto post = ParsePost(steps.dump());
  REQUIRE(post.ok());
  CHECK(post->single == AddedIds{{3, 2}, {3}});
  CHECK(ParsePost("null")->single == AddedIds());
}

TEST_CASE("A broken post-processor is refused by file and field",
          "[text][encoders]") {
  json unknown = Template({Special("[X]", 0), Sequence("A", 0)}, json::array());
  json wrong_id =
      Template({Special("[CLS]", 0), Sequence("A", 0)}, json::array());
  wrong_id["special_tokens"]["[CLS]"]["ids"] = {9};
  json nested = nullptr;
  for (int i = 0; i < 20; ++i) {
    nested = {{"type", "Sequence"}, {"processors", {nested}}};
  }
  for (const auto& [text, part] :
       std::vector<std::pair<std::string, std::string>>{
           {R"({"type":"Other"})", "Other"},
           {R"({"sep":1})", "type"},
           {R"({"type":"BertProcessing","sep":["[SEP]",3]})", "cls"},
           {R"({"type":"BertProcessing","sep":["[SEP]"],"cls":["[CLS]",2]})",
            "sep"},
           {R"({"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",7]})",
            "has id 7"},
           {R"({"type":"BertProcessing","sep":["[SEP]",3],"cls":["<x>",7]})",
            "not in the vocabulary"},
           {R"({"type":"Sequence"})", "processors"},
           {R"({"type":"TemplateProcessing","pair":[]})", "single"},
           {Template(json::array({"A"}), json::array()).dump(), "neither"},
           {Template(json::array({Sequence("C", 0)}), json::array()).dump(),
            "not A or B"},
           {Template({Sequence("A", 0), Sequence("A", 0)}, json::array())
                .dump(),
            "Sequence A once"},
           {Template(json::array(), json::array()).dump(), "Sequence A once"},
           {unknown.dump(), "special_tokens"},
           {wrong_id.dump(), "has id 9"},
           {nested.dump(), "too deep"},
       }) {
    CAPTURE(text);
    const auto read = ParsePost(text);
    REQUIRE(read.status().code() == absl::StatusCode::kInvalidArgument);
    const std::string message(read.status().message());
    CHECK(message.find('\n') == std::string::npos);
    CHECK(message.find("tokenizer.json") != std::string::npos);
    CHECK(message.find(part) != std::string::npos);
  }
  // In a whole file.
  json root = TokenizerJson("wordpiece");
  root["post_processor"]["special_tokens"]["[CLS]"]["ids"] = {100000};
  CHECK(Parse(root).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("A layout is part of a tokenizer's digest", "[text][encoders]") {
  json root = TokenizerJson("wordpiece");
  const std::string digest = Load("wordpiece").digest();
  root["post_processor"] = nullptr;
  const auto bare = Parse(root);
  REQUIRE(bare.ok());
  CHECK(bare->digest() != digest);
  CHECK_FALSE(bare->input_layout().has_value());
}

}  // namespace sft::text::post_processor_test
