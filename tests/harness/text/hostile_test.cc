// Broken tokenizer files and chat templates: one clear error, no crash.
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>

#include "absl/strings/match.h"
#include "harness/core/files.h"
#include "harness/formats/json.h"
#include "harness/text/chat_template.h"
#include "harness/text/hf_tokenizer_json.h"
#include "harness/text/regex.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/support/paths.h"

namespace sft::text::hostile_test {
namespace {

constexpr char kGood[] = R"({
  "added_tokens": [{"id": 4, "content": "<e>", "special": true}],
  "normalizer": {"type": "NFC"},
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
  "decoder": {"type": "ByteLevel"},
  "model": {"type": "BPE", "unk_token": null,
    "vocab": {"a": 0, "b": 1, "ab": 2, "c": 3},
    "merges": [["a", "b"]]}})";

absl::Status LoadText(const std::string& text,
                      const std::string& config = "{}") {
  support::TempDir folder("hostile");
  REQUIRE(WriteFileAtomically((folder.path() / "tokenizer.json").string(), text)
              .ok());
  REQUIRE(WriteFileAtomically(
              (folder.path() / "tokenizer_config.json").string(), config)
              .ok());
  return LoadTokenizerFromFolder(folder.path().string()).status();
}

// The same without files, for many variants.
absl::Status ParseText(const std::string& text) {
  const auto root = formats::ParseJsonDocument("tokenizer.json", text);
  if (!root.ok()) return root.status();
  return ParseTokenizerJson(*root, "tokenizer.json").status();
}

std::string With(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

void CheckError(const absl::Status& status, const std::string& part) {
  CAPTURE(status, part);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(absl::StrContains(status.message(), part));
}

TEST_CASE("A sound tokenizer.json loads", "[text][hostile]") {
  CHECK(LoadText(kGood).ok());
  CHECK(LoadText(kGood, R"({"eos_token": {"content": "<e>"}})").ok());
  // Pads are masked: one that is no token decides nothing.
  CHECK(LoadText(kGood, R"({"pad_token": "<p>"})").ok());
}

TEST_CASE("A missing tokenizer.json is an error that names it",
          "[text][hostile]") {
  support::TempDir folder("empty");
  const auto status = LoadTokenizerFromFolder(folder.path().string()).status();
  CHECK_FALSE(status.ok());
  CHECK(absl::StrContains(status.message(), "tokenizer.json"));
}

TEST_CASE("A tokenizer.json cut off anywhere is an error", "[text][hostile]") {
  const std::string text = kGood;
  for (size_t size = 0; size + 1 < text.size(); size += 3) {
    CheckError(ParseText(text.substr(0, size)), "tokenizer.json");
  }
}

TEST_CASE("A tokenizer.json with any one byte changed never crashes",
          "[text][hostile]") {
  const std::string text = kGood;
  for (size_t i = 0; i < text.size(); ++i) {
    for (char c : {'\0', '\xFF', '"', '{', '9', '-'}) {
      std::string changed = text;
      changed[i] = c;
      const absl::Status status = ParseText(changed);
      if (!status.ok()) {
        CHECK(status.code() == absl::StatusCode::kInvalidArgument);
      }
    }
  }
}

TEST_CASE("Wrong values in a tokenizer.json are named", "[text][hostile]") {
  CheckError(LoadText("[]"), "\"model\"");
  CheckError(LoadText("{}"), "\"model\"");
  CheckError(LoadText(std::string("\0\0\0", 3)), "not valid JSON");
  CheckError(LoadText(With("\"c\": 3", "\"c\": 70000000")), "70000000");
  CheckError(LoadText(With("\"c\": 3", "\"c\": -1")), "-1");
  CheckError(LoadText(With("\"c\": 3", "\"c\": 1.5")), "1.5");
  CheckError(LoadText(With("\"c\": 3", "\"c\": 99999999999999999999")), "id ");
  CheckError(LoadText(With("\"c\": 3", "\"c\": 2")), "two tokens");
  CheckError(LoadText(With("\"id\": 4", "\"id\": 2")), "<e>");
  CheckError(LoadText(With("\"id\": 4", "\"id\": 2147483647")), "2147483647");
  CheckError(LoadText(With("\"id\": 4", "\"id\": -4")), "-4");
  CheckError(LoadText(With("[\"a\", \"b\"]", "[\"a\", \"q\"]")), "merge 0");
  CheckError(LoadText(With("[\"a\", \"b\"]", "[\"a\", \"c\"]")), "\"ac\"");
  CheckError(LoadText(With("[\"a\", \"b\"]", "\"a b c\"")), "merge 0");
  CheckError(LoadText(With("[\"a\", \"b\"]", "[\"a\"]")), "merge 0");
  CheckError(LoadText(With("[\"a\", \"b\"]", "7")), "merge 0");
  CheckError(LoadText(With("null", "\"<unk>\"")), "<unk>");
  CheckError(LoadText(With("\"BPE\"", "\"WordLevel\"")), "WordLevel");
  // A Unigram vocabulary is a list of tokens with their scores.
  CheckError(LoadText(With("\"BPE\"", "\"Unigram\"")), "vocab");
  CheckError(LoadText(With("\"NFC\"", "\"NFX\"")), "NFX");
  CheckError(LoadText(With("\"type\": \"NFC\"", "\"type\": 3")), "\"type\"");
  CheckError(LoadText(With("\"ByteLevel\"", "\"Bytes\"")), "Bytes");
  CheckError(LoadText(With("{\"type\": \"NFC\"}",
                           R"({"type": "Replace", "content": "",
                        "pattern": {"Regex": "a("}})")),
             "regular expression");
  CheckError(LoadText(kGood, R"({"eos_token": "<x>"})"), "<x>");
  CheckError(LoadText(kGood, R"({"chat_template": "{% if %}"})"),
             "chat template");
  CheckError(LoadText(kGood, R"({"chat_template": 3})"), "chat_template");
  CheckError(LoadText(kGood, "[1]"), "tokenizer_config.json");
}

TEST_CASE("Special tokens that tokenizer_config.json alone declares are named",
          "[text][hostile]") {
  for (const std::string config :
       {R"({"added_tokens_decoder": {"4": {"content": "<e>", "special": true},
                                     "5": {"content": "<x>"}}})",
        R"({"additional_special_tokens": ["<x>", "<e>"]})",
        R"({"additional_special_tokens": [{"content": "<x>"}]})",
        R"({"extra_special_tokens": {"image_token": "<x>"}})"}) {
    CAPTURE(config);
    CheckError(LoadText(kGood, config), "lack: \"<x>\"; save");
    CheckError(LoadText(kGood, config), "save_pretrained(F)");
  }
  CHECK(LoadText(kGood, R"({"additional_special_tokens": ["<e>"],
                            "extra_special_tokens": null})")
            .ok());
}

TEST_CASE("JSON that nests very deep is an error", "[text][hostile]") {
  CheckError(LoadText(std::string(1'000'000, '[')), "64 levels");
  std::string nested = "null";
  for (int i = 0; i < 100; ++i) {
    nested = R"({"type": "Sequence", "normalizers": [)" + nested + "]}";
  }
  CheckError(LoadText(With("{\"type\": \"NFC\"}", nested)), "64 levels");
}

TEST_CASE("Broken GGUF tokenizer data is named", "[text][hostile][gguf]") {
  formats::GgufTokenizerData good;
  good.model = "gpt2";
  good.pre = "smollm";
  good.tokens = {"a", "b", "ab", "<e>"};
  good.token_types = {1, 1, 1, 3};
  good.merges = {"a b"};
  good.eos = 3;
  REQUIRE(MakeTokenizerFromGguf(good).ok());
  const auto broken = [&](auto change) {
    formats::GgufTokenizerData data = good;
    change(data);
    return MakeTokenizerFromGguf(data, "m.gguf").status();
  };
  CheckError(broken([](auto& d) { d.pre = "nobody"; }), "nobody");
  CheckError(broken([](auto& d) { d.model = "rwkv"; }), "rwkv");
  for (const char* model : {"llama", "t5"}) {
    CheckError(broken([&](auto& d) { d.model = model; }), "0 scores");
    CheckError(broken([&](auto& d) {
                 d.model = model;
                 d.scores = {-1, -2, -3, NAN};
               }),
               "no finite score");
  }
  CheckError(broken([](auto& d) { d.model = "bert"; }), "[UNK]");
  CheckError(broken([](auto& d) { d.eos = 4; }), "eos token id 4");
  CheckError(broken([](auto& d) { d.bos = -1; }), "bos token id -1");
  CheckError(broken([](auto& d) { d.tokens.clear(); }), "0 tokens");
  CheckError(broken([](auto& d) { d.token_types.pop_back(); }), "token types");
  CheckError(broken([](auto& d) { d.merges = {"ab"}; }), "merge 0");
  CheckError(broken([](auto& d) { d.merges = {""}; }), "merge 0");
  CheckError(broken([](auto& d) { d.merges = {"b a"}; }), "\"ba\"");
  CheckError(broken([](auto& d) { d.chat_template = "{{"; }), "m.gguf");
}

TEST_CASE("A pattern that backtracks without end is given up",
          "[text][hostile][regex]") {
  const auto regex = Regex::Compile("(a+)+b", "test");
  REQUIRE(regex.ok());
  const auto begin = std::chrono::steady_clock::now();
  CHECK(regex->FindAll(std::string(4000, 'a')).empty());
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

absl::StatusOr<std::string> Render(const std::string& source) {
  const auto chat = ChatTemplate::Compile(source, "t.jinja", "<b>", "<e>");
  if (!chat.ok()) return chat.status();
  return chat->Render({{"user", "hi"}, {"assistant", "yo"}}, true);
}

TEST_CASE("What real chat templates use is understood", "[text][chat]") {
  CHECK(*Render("{{ bos_token }}{{ messages | length }}") == "<b>2");
  CHECK(*Render("{% for m in messages %}{{ loop.index0 }}{{ m.role | upper }}"
                "{% if not loop.last %},{% endif %}{% endfor %}") ==
        "0USER,1ASSISTANT");
  CHECK(*Render("{%- set ns = namespace(n=0) -%}{% for m in messages %}"
                "{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}") == "2");
  CHECK(*Render(
            "{{ messages[1:] | length }}{{ 'abc'[::-1] }}{{ 'abc'[-9:2] }}") ==
        "1cbaab");
  CHECK(*Render("{{ 'a,b'.split(',')[1] }}{{ ' x '.strip() }}"
                "{{ 'abc'.startswith('ab') }}") == "bxTrue");
  CHECK(*Render("{% if tools is defined and tools %}t{% else %}n{% endif %}"
                "{{ x | default('d') }}{{ messages[0] | tojson }}") ==
        R"(nd{"role": "user", "content": "hi"})");
}

TEST_CASE("A chat template sees the same day always", "[text][chat]") {
  CHECK(*Render("{{ strftime_now('%d %b %Y, %A %j') }}") ==
        "26 Jul 2024, Friday 208");
}

TEST_CASE("A chat template's faults are one error", "[text][hostile][chat]") {
  CheckError(Render("{% for m in messages %}").status(), "t.jinja");
  CheckError(Render("{% endif %}").status(), "chat template");
  CheckError(Render("{{ raise_exception('roles must alternate') }}").status(),
             "roles must alternate");
  CheckError(Render("{{ messages.nope.x }}").status(), "row 1");
  CheckError(Render("{{ nope() }}").status(), "chat template");
  CheckError(Render("\xFF").status(), "UTF-8");
  CheckError(Render(std::string(100'000, 'x')).status(), "64 KiB");
  CheckError(Render("{{" + std::string(1000, '(')).status(), "brackets");
}

TEST_CASE("A chat template can neither hang nor exhaust memory or stack",
          "[text][hostile][chat]") {
  CheckError(Render("{{ 1 // 0 }}").status(), "division by zero");
  CheckError(Render("{{ 1 % 0 }}").status(), "division by zero");
  CheckError(Render("{{ range(0, 1, 0) }}").status(), "zero");
  CheckError(Render("{{ range(10000000000) | length }}").status(), "items");
  CheckError(Render("{{ 'x' * 1000000000000 }}").status(), "64 MiB");
  CheckError(
      Render("{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}"
             "{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}")
          .status(),
      "64 MiB");
  CheckError(
      Render("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}").status(),
      "deeper");
  CheckError(Render("{% for i in range(1000) %}{% for j in range(1000) %}"
                    "{% for k in range(1000) %}{{ i }}{% endfor %}{% endfor %}"
                    "{% endfor %}")
                 .status(),
             "steps");
  std::string nots = "{{ ";
  for (int i = 0; i < 15'000; ++i) nots += "not ";
  CheckError(Render(nots + "x }}").status(), "deeper");
  std::string ifs;
  for (int i = 0; i < 3'000; ++i) ifs += "{% if 1 %}";
  for (int i = 0; i < 3'000; ++i) ifs += "{% endif %}";
  CheckError(Render(ifs).status(), "deeper");
  CHECK(Render("{#" + std::string(60'000, ' ') + "#}ok").value() == "ok");
  CHECK(
      Render("{{ 'x' }}" + std::string(60'000, ' ') + "{%- if 1 %}{% endif %}")
          .value() == "x");
}

}  // namespace
}  // namespace sft::text::hostile_test
