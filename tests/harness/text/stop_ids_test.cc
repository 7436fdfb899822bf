// Which ids end an answer: all that a folder's files name.
#include <catch2/catch.hpp>

#include "harness/core/files.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/support/paths.h"

namespace sft::text::stop_ids_test {
namespace {

using Ids = std::vector<int32_t>;

constexpr char kTokenizer[] = R"({
  "added_tokens": [{"id": 4, "content": "<e>", "special": true},
                   {"id": 5, "content": "<t>", "special": true}],
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
  "decoder": {"type": "ByteLevel"},
  "model": {"type": "BPE", "unk_token": null,
    "vocab": {"a": 0, "b": 1, "ab": 2, "c": 3}, "merges": [["a", "b"]]}})";

struct Folder {
  std::string tokenizer_config = R"({"eos_token": "<e>"})";
  std::string generation_config = "";
  std::string config = "{}";
};
std::unique_ptr<Tokenizer> Load(const Folder& folder) {
  support::TempDir dir("stop_ids");
  const auto write = [&](const char* name, const std::string& text) {
    if (text.empty()) return;
    REQUIRE(WriteFileAtomically((dir.path() / name).string(), text).ok());
  };
  write("tokenizer.json", kTokenizer);
  write("tokenizer_config.json", folder.tokenizer_config);
  write("generation_config.json", folder.generation_config);
  write("config.json", folder.config);
  auto tokenizer = LoadTokenizerFromFolder(dir.path().string());
  if (!tokenizer.ok()) FAIL(tokenizer.status());
  return *std::move(tokenizer);
}

TEST_CASE("every end that a folder's files name ends an answer",
          "[text][stop]") {
  const auto plain = Load({});
  CHECK(plain->stop_ids() == Ids{4});
  CHECK(Load({.generation_config = R"({"eos_token_id": [4, 3, 5]})"})
            ->stop_ids() == Ids{4, 3, 5});
  CHECK(Load({.config = R"({"eos_token_id": [2, 5]})"})->stop_ids() ==
        Ids{4, 2, 5});
  CHECK(Load({.generation_config = R"({"eos_token_id": 1})",
              .config = R"({"eos_token_id": [2, 4]})"})
            ->stop_ids() == Ids{4, 1, 2});
  // The tokenizer's configuration need not say anything.
  CHECK(Load({.tokenizer_config = "{}",
              .generation_config = R"({"eos_token_id": [3, 5]})"})
            ->stop_ids() == Ids{3, 5});
  // What is no id is none.
  CHECK(Load({.generation_config = R"({"eos_token_id": [-1, null, "x", 1.5]})"})
            ->stop_ids() == Ids{4});
  CHECK(Load({.generation_config = R"({"eos_token_id": 99999999999})"})
            ->stop_ids() == Ids{4});
}

TEST_CASE("more ends make another digest, the same ones do not",
          "[text][stop]") {
  const std::string plain = Load({})->digest();
  CHECK(Load({.generation_config = R"({"eos_token_id": 4})",
              .config = R"({"eos_token_id": [4]})"})
            ->digest() == plain);
  CHECK(Load({.generation_config = R"({"eos_token_id": [4, 5]})"})->digest() !=
        plain);
}

}  // namespace
}  // namespace sft::text::stop_ids_test
