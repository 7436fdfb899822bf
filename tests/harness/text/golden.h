// Reading tests/golden/*.json, and comparing a tokenizer with their cases.
#ifndef TESTS_HARNESS_TEXT_GOLDEN_H_
#define TESTS_HARNESS_TEXT_GOLDEN_H_

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/files.h"
#include "harness/core/tokenizer.h"
#include "tests/support/paths.h"

namespace sft::text {

inline nlohmann::json ReadGolden(const std::string& name) {
  const auto text =
      ReadFile((support::SourceDir() / "tests/golden" / name).string());
  if (!text.ok()) FAIL(text.status());
  return nlohmann::json::parse(*text);
}

using Offsets = std::vector<std::pair<int64_t, int64_t>>;

// Ids, offsets and both decodings of every case.
inline void CheckCases(const Tokenizer& tokenizer,
                       const nlohmann::json& cases) {
  for (const nlohmann::json& item : cases) {
    const auto text = item["text"].get<std::string>();
    CAPTURE(item["text"].dump(-1, ' ', true));
    const auto ids = item["ids"].get<std::vector<int32_t>>();
    CHECK(tokenizer.Encode(text) == ids);
    const Encoding encoding = tokenizer.EncodeWithOffsets(text);
    CHECK(encoding.ids == ids);
    CHECK(encoding.offsets.size() == ids.size());
    if (item.contains("offsets")) {
      CHECK(encoding.offsets == item["offsets"].get<Offsets>());
    }
    const auto decoded = item["decoded"].get<std::string>();
    CHECK(tokenizer.Decode(ids, false) == decoded);
    CHECK(tokenizer.Decode(ids, true) == item.value("decoded_skip", decoded));
  }
}

}  // namespace sft::text

#endif  // TESTS_HARNESS_TEXT_GOLDEN_H_
