// Joined texts, their ids and offsets, against `tokenizers`
// (tests/golden/in_place.json).
#include <string>
#include <vector>

#include "harness/text/composed_tokenizer.h"
#include "harness/text/hf_tokenizer_json.h"
#include "tests/harness/text/golden.h"

namespace sft::text::in_place_test {
namespace {

using nlohmann::json;
using Ids = std::vector<int32_t>;

std::string Joined(const json& parts) {
  std::string text;
  for (const json& part : parts) text += part.get<std::string>();
  return text;
}

TEST_CASE(
    "joined texts get the library's ids and offsets in every form of tokenizer",
    "[text][in_place][unigram]") {
  const json golden = ReadGolden("in_place.json");
  for (const json& variant : golden["variants"]) {
    CAPTURE(variant["name"].get<std::string>());
    json root = golden["bases"][variant["base"].get<std::string>()];
    root.update(variant["change"]);
    auto parts = ParseTokenizerJson(root, "test");
    REQUIRE(parts.ok());
    const ComposedTokenizer tokenizer(*std::move(parts));
    CHECK(tokenizer.added_ids().before == variant["before"].get<Ids>());
    CHECK(tokenizer.added_ids().after == variant["after"].get<Ids>());
    for (const json& item : variant["cases"]) {
      const json& strings = golden["parts"][item["parts"].get<size_t>()];
      CAPTURE(strings.dump(-1, ' ', true));
      const std::string text = Joined(strings);
      const Ids ids = item["ids"].get<Ids>();
      CHECK(tokenizer.Encode(text) == ids);
      const Encoding encoding = tokenizer.EncodeWithOffsets(text);
      CHECK(encoding.ids == ids);
      CHECK(encoding.offsets == item["offsets"].get<Offsets>());
      if (!item.contains("alone")) continue;
      for (size_t i = 0; i < strings.size(); ++i) {
        CHECK(tokenizer.Encode(strings[i].get<std::string>()) ==
              item["alone"][i].get<Ids>());
      }
    }
  }
}

json Unigram(const std::string& fields) {
  return json::parse(R"({"model": {"type": "Unigram", )" + fields + "}}");
}

std::string Why(const std::string& fields) {
  const auto parts = ParseTokenizerJson(Unigram(fields), "t.json");
  return parts.ok() ? "ok" : std::string(parts.status().message());
}

TEST_CASE("a Unigram model that cannot work is refused", "[text][unigram]") {
  CHECK(Why(R"("unk_id": 0, "vocab": [["<unk>", 0], ["a", -1.5]])") == "ok");
  CHECK(Why(R"("vocab": [["<unk>", 0]])") ==
        "t.json: unk_id -1 is none of 1 pieces");
  CHECK(Why(R"("unk_id": 3, "vocab": [["<unk>", 0]])") ==
        "t.json: unk_id 3 is none of 1 pieces");
  CHECK(Why(R"("unk_id": 0, "vocab": [["a", 0], ["b", 0], ["a", 1]])") ==
        "t.json: \"vocab\" has \"a\" twice");
  CHECK(Why(R"("unk_id": 0, "vocab": [["a"]])") ==
        "t.json: piece 0 of \"vocab\" is no [text, score]");
  CHECK(Why(R"("unk_id": 0)").find("vocab") != std::string::npos);
}

}  // namespace
}  // namespace sft::text::in_place_test
