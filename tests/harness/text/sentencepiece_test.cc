// tokenizer.model's reader: what it takes, what it refuses, and what stands
// beside the file.
#include "harness/formats/sentencepiece.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "absl/strings/match.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/harness/text/golden.h"

namespace sft::text::sentencepiece_test {
namespace {

using nlohmann::json;

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) {
    out += static_cast<char>(0x80 | (value & 0x7F));
  }
  return out + static_cast<char>(value);
}
std::string Number(int field, uint64_t value) {
  return Varint(static_cast<uint64_t>(field) << 3) + Varint(value);
}
std::string Bytes(int field, const std::string& bytes) {
  return Varint(static_cast<uint64_t>(field) << 3 | 2) + Varint(bytes.size()) +
         bytes;
}
std::string Piece(const std::string& text, float score, int type) {
  std::string raw(reinterpret_cast<const char*>(&score), sizeof(score));
  return Bytes(1, Bytes(1, text) + Varint(2 << 3 | 5) + raw + Number(3, type));
}

// A model of three letters; `more` is appended.
std::string Tiny(const std::string& more = "", int kind = 2) {
  return Piece("<unk>", 0, 2) + Piece("<s>", 0, 3) + Piece("</s>", 0, 3) +
         Piece("\u2581", -3, 1) + Piece("a", -4, 1) + Piece("b", -5, 1) +
         Piece("\u2581a", -1, 1) + Piece("ab", -2, 1) +
         Bytes(2, Number(3, static_cast<uint64_t>(kind))) +
         Bytes(3, Number(4, 0)) + more;
}

absl::StatusOr<std::unique_ptr<Tokenizer>> Load(
    const std::string& model, const json& config = json::object(),
    const json& added = {}) {
  const support::TempDir folder("sentencepiece");
  const auto write = [&](const char* name, const std::string& bytes) {
    REQUIRE(WriteFileAtomically((folder.path() / name).string(), bytes).ok());
  };
  write("tokenizer.model", model);
  write("tokenizer_config.json", config.dump());
  if (!added.is_null()) write("added_tokens.json", added.dump());
  return LoadTokenizerFromFolder(folder.path().string());
}

void Fails(const absl::Status& status, const std::string& part) {
  INFO(status.ToString());
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(absl::StrContains(status.message(), part));
  CHECK_FALSE(absl::StrContains(status.message(), "\n"));
}

using Ids = std::vector<int32_t>;

TEST_CASE("A SentencePiece model is read with what its config adds",
          "[text][sentencepiece]") {
  auto plain = Load(Tiny());
  if (!plain.ok()) FAIL(plain.status());
  CHECK((*plain)->Encode("a ab") == Ids{6, 6, 5});
  CHECK((*plain)->Encode("ab<s>a") == Ids{6, 5, 1, 6});
  CHECK((*plain)->Encode("xx") == Ids{3, 0});
  CHECK((*plain)->EncodeWithOffsets("axxb").offsets ==
        Offsets{{0, 1}, {1, 3}, {3, 4}});
  CHECK((*plain)->Decode({6, 6, 5}, true) == "a ab");
  CHECK((*plain)->Decode({6, 0, 5}, true) == "a \u2047 b");
  CHECK((*plain)->bos_id() == 1);
  CHECK((*plain)->added_ids().before == Ids{1});
  CHECK((*plain)->added_ids().after.empty());

  auto first = Load(Tiny(),
                    {{"legacy", false},
                     {"add_bos_token", false},
                     {"add_eos_token", true},
                     {"eos_token", "<end>"},
                     {"tokenizer_class", "LlamaTokenizerFast"},
                     {"added_tokens_decoder",
                      {{"8", {{"content", "<end>"}, {"special", true}}}}}},
                    {{"<end>", 8}, {"b+", 9}});
  if (!first.ok()) FAIL(first.status());
  CHECK((*first)->Encode("ab<s>a<end>b+b") == Ids{6, 5, 1, 4, 8, 9, 5});
  CHECK((*first)->Encode("<s>a") == Ids{1, 4});
  CHECK((*first)->eos_id() == 8);
  CHECK((*first)->added_ids().before.empty());
  CHECK((*first)->added_ids().after == Ids{8});
  CHECK((*first)->vocab_size() == 10);

  auto bare = Load(Tiny(), {{"add_prefix_space", false}});
  REQUIRE(bare.ok());
  CHECK((*bare)->Encode("ab") == Ids{7});
  const std::set<std::string> digests = {(*plain)->digest(), (*first)->digest(),
                                         (*bare)->digest()};
  CHECK(digests.size() == 3);
}

TEST_CASE("What a SentencePiece model cannot be is named",
          "[text][sentencepiece][hostile]") {
  Fails(Load(Tiny("", 3)).status(), "of words");
  Fails(Load(Tiny("", 4)).status(), "of characters");
  Fails(Load(Tiny("", 9)).status(), "unknown type 9");
  Fails(Load(Tiny(Piece("a", -1, 1))).status(), "(\"a\") is there twice");
  Fails(Load(Tiny(Piece("", -1, 1))).status(), "piece 8 (\"\") is empty");
  Fails(Load(Tiny(Piece("\xff", -1, 1))).status(), "no UTF-8");
  Fails(Load(Tiny(Piece("c", NAN, 1))).status(), "no finite score");
  Fails(Load(Tiny(Piece("c", 0, 7))).status(), "unknown type 7");
  Fails(Load(Tiny(Piece("c", 0, 2))).status(), "2 pieces of type UNKNOWN");
  Fails(Load(Tiny(Piece("c", 0, 5))).status(), "UNUSED");
  Fails(Load(Tiny(Piece("<0x41>", 0, 6))).status(), "without byte_fallback");
  Fails(Load(Tiny(Bytes(2, Number(35, 1)))).status(), "no piece <0x00>");
  Fails(Load(Tiny(Piece(std::string(600, 'a'), 0, 1))).status(), "512 bytes");
  Fails(Load(Tiny(Bytes(5, Bytes(2, "x")))).status(), "denormalizer");
  Fails(Load(Tiny(Bytes(3, Bytes(2, "abc")))).status(), "precompiled_charsmap");
  const std::string grows = std::string("\4\0\0\0\0\0\0\0", 8) +
                            std::string(300, 'a') + std::string(1, '\0');
  Fails(Load(Tiny(Bytes(3, Bytes(2, grows)))).status(), "a text of 300 bytes");
  Fails(Load(Tiny(Number(1, 3))).status(), "field 1 of wire type 0");
  Fails(Load(Tiny(Varint(2 << 3 | 3))).status(), "wire type 3");
  Fails(Load("").status(), "no pieces");
  Fails(Load("version https://git-lfs.github.com/spec/v1").status(), "Git LFS");
  Fails(Load(Tiny(), {{"tokenizer_class", "XyzTokenizer"}}).status(),
        "\"XyzTokenizer\"");
  Fails(Load(Tiny(), {{"added_tokens_decoder", {{"x", {{"content", "c"}}}}}})
            .status(),
        "\"x\" is no id");
  Fails(Load(Tiny(), {{"added_tokens_decoder", {{"4", {{"content", "c"}}}}}})
            .status(),
        "id 4 of added token \"c\" is that of token \"a\"");
  Fails(Load(Tiny(), {{"additional_special_tokens", {"<x>"}}}).status(),
        "tokenizer.model");
  Fails(Load(Tiny(), {{"eos_token", "<x>"}}).status(), "not in the vocabulary");
}

TEST_CASE("A SentencePiece model cut off or changed anywhere never crashes",
          "[text][sentencepiece][hostile]") {
  const std::string good = Tiny();
  for (size_t size = 0; size < good.size(); ++size) {
    (void)formats::ParseSentencePiece(good.substr(0, size), "m");
    for (const int flip : {0x01, 0x40, 0x80, 0xFF}) {
      std::string bytes = good;
      bytes[size] = static_cast<char>(bytes[size] ^ flip);
      const auto model = formats::ParseSentencePiece(bytes, "m");
      if (model.ok()) CHECK(formats::CheckSentencePiece(*model, "m").ok());
    }
  }
}

}  // namespace
}  // namespace sft::text::sentencepiece_test
