// Whole tokenizers of real models against the `tokenizers` library.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "absl/strings/str_join.h"
#include "harness/formats/gguf.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/harness/text/golden.h"
#include "tests/support/require.h"

namespace sft::text::tokenizer_test {
namespace {

using nlohmann::json;

std::unique_ptr<Tokenizer> LoadSmolLm2() {
  const auto path = support::RequireAssets(
      "models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
  const auto file = formats::GgufFile::Open(path.string());
  if (!file.ok()) FAIL(file.status());
  auto data = formats::TokenizerOf(*file);
  if (!data.ok()) FAIL(data.status());
  auto tokenizer = MakeTokenizerFromGguf(*std::move(data), path.string());
  if (!tokenizer.ok()) FAIL(tokenizer.status());
  return *std::move(tokenizer);
}

std::unique_ptr<Tokenizer> LoadFolder(const std::filesystem::path& folder) {
  auto tokenizer = LoadTokenizerFromFolder(folder.string());
  if (!tokenizer.ok()) FAIL(tokenizer.status());
  return *std::move(tokenizer);
}

std::vector<ChatTurn> TurnsOf(const json& list) {
  std::vector<ChatTurn> turns;
  for (const json& turn : list) {
    turns.push_back({turn["role"], turn["content"]});
  }
  return turns;
}

TEST_CASE("SmolLM2's tokenizer, read from its GGUF, agrees with the library",
          "[text][smollm2]") {
  const auto tokenizer = LoadSmolLm2();
  const json golden = ReadGolden("smollm2_tokens.json");
  CHECK(golden["cases"].size() == 300);
  CheckCases(*tokenizer, golden["cases"]);
  CHECK(tokenizer->vocab_size() == 49152);
  CHECK(tokenizer->bos_id() == 1);
  CHECK(tokenizer->eos_id() == 2);
  CHECK(tokenizer->end_of_turn_id() == tokenizer->TokenId("<|im_end|>"));
  CHECK(tokenizer->pad_id() == 2);
  CHECK_FALSE(tokenizer->TokenId("no such token").has_value());
}

TEST_CASE("SmolLM2's chat template renders as transformers does",
          "[text][smollm2][chat]") {
  const auto tokenizer = LoadSmolLm2();
  REQUIRE(tokenizer->has_chat_template());
  const json chats = ReadGolden("smollm2_tokens.json")["chats"];
  CHECK(chats.size() == 10);
  for (const json& item : chats) {
    CAPTURE(item["text"].get<std::string>());
    const auto text = tokenizer->RenderChat(TurnsOf(item["turns"]),
                                            item["add_generation_prompt"]);
    if (!text.ok()) FAIL(text.status());
    CHECK(*text == item["text"].get<std::string>());
    CHECK(tokenizer->Encode(*text) == item["ids"].get<std::vector<int32_t>>());
  }
}

TEST_CASE("A tokenizer gives the same ids from several threads at once",
          "[text][smollm2][threads]") {
  const auto tokenizer = LoadSmolLm2();
  const json cases = ReadGolden("smollm2_tokens.json")["cases"];
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (const json& item : cases) {
        const auto ids = tokenizer->Encode(item["text"].get<std::string>());
        count += ids != item["ids"].get<std::vector<int32_t>>();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("The glassllm tokenizer agrees with the library",
          "[text][glassllm]") {
  const auto tokenizer = LoadFolder(support::RequireAssets("models/glassllm"));
  CheckCases(*tokenizer, ReadGolden("glassllm_tokens.json")["cases"]);
  CHECK(tokenizer->vocab_size() == 1024);
  CHECK(tokenizer->bos_id() == 2);
  CHECK(tokenizer->eos_id() == 3);
  CHECK(tokenizer->pad_id() == 0);
  CHECK_FALSE(tokenizer->has_chat_template());
  CHECK(tokenizer->RenderChat({}, true).status().code() ==
        absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("MiniLM's WordPiece tokenizer agrees with the library",
          "[text][minilm]") {
  const auto tokenizer = LoadFolder(support::RequireAssets("models/minilm-l6"));
  CheckCases(*tokenizer, ReadGolden("minilm_tokens.json")["cases"]);
  CHECK(tokenizer->vocab_size() == 30522);
  CHECK(tokenizer->TokenId("[CLS]") == 101);
  CHECK(tokenizer->pad_id() == 0);
}

TEST_CASE("GPT-2's tokenizer agrees with the library", "[text][gpt2]") {
  const auto path = support::RequireData("tokenizers/gpt2/tokenizer.json.gz");
  const auto lines = ReadLines(path.string());
  REQUIRE(lines.ok());
  support::TempDir folder("gpt2");
  REQUIRE(WriteFileAtomically((folder.path() / "tokenizer.json").string(),
                              absl::StrJoin(*lines, "\n"))
              .ok());
  const auto tokenizer = LoadFolder(folder.path());
  CheckCases(*tokenizer, ReadGolden("gpt2_tokens.json")["cases"]);
  CHECK(tokenizer->vocab_size() == 50257);
}

TEST_CASE("Any bytes can be encoded, offsets stay in order and in range",
          "[text][utf8]") {
  auto tokenizer = LoadFolder(support::RequireAssets("models/glassllm"));
  auto smollm2 = LoadSmolLm2();
  uint64_t state = 1;
  for (const Tokenizer* t : {tokenizer.get(), smollm2.get()}) {
    for (int round = 0; round < 200; ++round) {
      std::string bytes;
      for (int i = 0; i < round; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes.push_back(static_cast<char>(state >> 56));
      }
      const Encoding encoding = t->EncodeWithOffsets(bytes);
      CHECK(encoding.ids == t->Encode(bytes));
      REQUIRE(encoding.offsets.size() == encoding.ids.size());
      int64_t last = 0;
      for (const auto& [begin, end] : encoding.offsets) {
        CHECK(begin >= last);
        CHECK(end >= begin);
        CHECK(end <= static_cast<int64_t>(bytes.size()));
        last = begin;
      }
      t->Decode(encoding.ids, false);
    }
    CHECK(t->Decode({-1, 1 << 30}, false).empty());
  }
  // An ill-formed byte reads as U+FFFD.
  CHECK(smollm2->Encode("a\xFF"
                        "b") == smollm2->Encode("a\uFFFD"
                                                "b"));
  CHECK(smollm2->EncodeWithOffsets("\xFF").offsets ==
        Offsets(smollm2->Encode("\uFFFD").size(), {0, 1}));
}

TEST_CASE("A word of a million letters is encoded at once, in bounded time",
          "[text][bpe]") {
  const auto tokenizer = LoadSmolLm2();
  std::string word;
  for (int i = 0; i < 1'000'000; ++i) {
    word.push_back(static_cast<char>('a' + (i * 7919LL % 26)));
  }
  const std::vector<int32_t> ids = tokenizer->Encode(word);
  CHECK(ids.size() < word.size());
  CHECK(tokenizer->Decode(ids, false) == word);
  const std::string blank(1'000'000, ' ');
  CHECK(tokenizer->Decode(tokenizer->Encode(blank), false) == blank);
}

TEST_CASE("The digest follows vocabulary, template and special tokens",
          "[text][digest]") {
  const auto make = [](const std::string& pre, const std::string& chat,
                       int32_t eos, int32_t type) {
    formats::GgufTokenizerData data;
    data.model = "gpt2";
    data.pre = pre;
    data.tokens = {"a", "b", "ab", "<e>"};
    data.token_types = {1, 1, 1, type};
    data.merges = {"a b"};
    data.eos = eos;
    data.chat_template = chat;
    auto tokenizer = MakeTokenizerFromGguf(std::move(data));
    REQUIRE(tokenizer.ok());
    return (*tokenizer)->digest();
  };
  const std::string base = make("smollm", "x", 3, 3);
  CHECK(base.size() == 64);
  CHECK(base == make("smollm", "x", 3, 3));
  const std::set<std::string> all = {
      base, make("gpt-2", "x", 3, 3), make("smollm", "y", 3, 3),
      make("smollm", "x", 2, 3), make("smollm", "x", 3, 4)};
  CHECK(all.size() == 5);
}

}  // namespace
}  // namespace sft::text::tokenizer_test
