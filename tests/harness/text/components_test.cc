// Each normalizer, pre-tokenizer, decoder and small tokenizer against the
// `tokenizers` library (tests/golden/text_components.json).
#include <catch2/catch.hpp>

#include "harness/core/utf8.h"
#include "harness/text/composed_tokenizer.h"
#include "harness/text/decoder.h"
#include "harness/text/hf_tokenizer_json.h"
#include "harness/text/normalizer.h"
#include "harness/text/pre_tokenizer.h"
#include "tests/harness/text/golden.h"

namespace sft::text::components_test {
namespace {

using nlohmann::json;

std::pair<int64_t, int64_t> AsPair(ByteRange range) {
  return {static_cast<int64_t>(range.begin), static_cast<int64_t>(range.end)};
}

TEST_CASE("Every normalizer gives the library's text and alignments",
          "[text][normalizer]") {
  const json golden = ReadGolden("text_components.json");
  for (const json& group : golden["normalizers"]) {
    CAPTURE(group["config"].dump());
    const auto normalizer = ParseNormalizer(group["config"], "test");
    REQUIRE(normalizer.ok());
    for (const json& item : group["cases"]) {
      const auto input = golden["strings"][item[0].get<size_t>()];
      CAPTURE(input.dump(-1, ' ', true));
      AlignedText text(input.get<std::string>(), /*track=*/true);
      (*normalizer)->Apply(&text);
      CHECK(text.text() == item[1].get<std::string>());
      Offsets offsets;
      for (size_t i = 0; i < text.text().size();) {
        const size_t end = i + DecodeUtf8At(text.text(), i).size_bytes;
        offsets.push_back(AsPair(text.OriginalRange({i, end})));
        i = end;
      }
      CHECK(offsets == item[2].get<Offsets>());
      AlignedText plain(input.get<std::string>(), /*track=*/false);
      (*normalizer)->Apply(&plain);
      CHECK(plain.text() == text.text());
    }
  }
}

TEST_CASE("Every pre-tokenizer cuts where the library cuts",
          "[text][pre_tokenizer]") {
  const json golden = ReadGolden("text_components.json");
  for (const json& group : golden["pre_tokenizers"]) {
    CAPTURE(group["config"].dump());
    const auto pre_tokenizer = ParsePreTokenizer(group["config"], "test");
    REQUIRE(pre_tokenizer.ok());
    for (const json& item : group["cases"]) {
      const auto input = golden["strings"][item[0].get<size_t>()];
      CAPTURE(input.dump(-1, ' ', true));
      PreTokenizedText text;
      text.text = AlignedText(input.get<std::string>(), /*track=*/true);
      if (!text.text.text().empty()) {
        text.pieces = {{0, text.text.text().size()}};
      }
      (*pre_tokenizer)->Apply(&text);
      std::vector<std::string> pieces;
      Offsets offsets;
      for (const ByteRange& piece : text.pieces) {
        pieces.emplace_back(text.Piece(piece));
        offsets.push_back(AsPair(text.text.OriginalRange(piece)));
      }
      CHECK(pieces == item[1].get<std::vector<std::string>>());
      CHECK(offsets == item[2].get<Offsets>());
    }
  }
}

TEST_CASE("Every decoder joins tokens as the library does", "[text][decoder]") {
  const json golden = ReadGolden("text_components.json");
  for (const json& group : golden["decoders"]) {
    CAPTURE(group["config"].dump());
    const auto decoder = ParseDecoder(group["config"], "test");
    REQUIRE(decoder.ok());
    for (const json& item : group["cases"]) {
      CAPTURE(item[0].dump());
      auto tokens = item[0].get<std::vector<std::string>>();
      (*decoder)->Apply(&tokens);
      std::string joined;
      for (const std::string& token : tokens) joined += token;
      CHECK(joined == item[1].get<std::string>());
    }
  }
}

TEST_CASE("Small tokenizers agree with the library in ids, offsets and text",
          "[text][tokenizer]") {
  const json golden = ReadGolden("text_components.json");
  for (const json& group : golden["tokenizers"]) {
    CAPTURE(group["name"].get<std::string>());
    auto parts = ParseTokenizerJson(group["tokenizer"], "test");
    if (!parts.ok()) FAIL(parts.status());
    CheckCases(ComposedTokenizer(*std::move(parts)), group["cases"]);
  }
}

}  // namespace
}  // namespace sft::text::components_test
