// What bears loss under templates in the families' forms, and under their own
// where they are here (tests/golden/chat_forms.json): answers with their ends.
#include <algorithm>

#include "harness/data/row_text.h"
#include "harness/text/composed_tokenizer.h"
#include "harness/text/hf_tokenizer_json.h"
#include "tests/harness/text/golden.h"
#include "tests/support/paths.h"
#include "tests/support/skips.h"

namespace sft::data::chat_families_test {
namespace {

using nlohmann::json;

// The byte-level tokenizer of tests/golden/in_place.json with the markers of
// all families among its special tokens.
text::ComposedTokenizer Make(const std::string& source, const std::string& bos,
                             const std::string& eos) {
  const json golden = text::ReadGolden("in_place.json");
  json root;
  for (const json& variant : golden["variants"]) {
    if (variant["name"] == "byte_level") {
      root = golden["bases"][variant["base"].get<std::string>()];
      root.update(variant["change"]);
    }
  }
  int id = static_cast<int>(root["model"]["vocab"].size());
  for (const char* marker :
       {"<e>", "</t>", "<s>", "</s>", "<|im_start|>", "<|im_end|>",
        "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>",
        "<|begin_of_text|>", "<start_of_turn>", "<|end|>", "<|user|>",
        "<|assistant|>", "<|endoftext|>", "<|end_of_text|>",
        "<|start_of_role|>", "<|end_of_role|>"}) {
    json token = root["added_tokens"][0];
    token["content"] = marker;
    token["id"] = id++;
    root["added_tokens"].push_back(token);
  }
  auto parts = text::ParseTokenizerJson(root, "test");
  if (!parts.ok()) FAIL(parts.status());
  const auto id_of = [&](const std::string& token) -> std::optional<int32_t> {
    if (token.empty()) return std::nullopt;
    for (const json& added : root["added_tokens"]) {
      if (added["content"] == token) return added["id"].get<int32_t>();
    }
    FAIL("no token " << token);
    return std::nullopt;
  };
  parts->bos_id = id_of(bos);
  parts->eos_id = parts->end_of_turn_id = id_of(eos);
  auto chat = text::ChatTemplate::Compile(source, "test", bos, eos);
  if (!chat.ok()) FAIL(chat.status());
  parts->chat_template = *std::move(chat);
  return text::ComposedTokenizer(*std::move(parts));
}

// The tokens of all rows that bear loss, as text without white space.
std::string TargetsOf(const Tokenizer& tokenizer,
                      const std::vector<RowText>& rows) {
  std::string text;
  for (const RowText& row : rows) {
    const Tokens tokens = EncodeRow(tokenizer, row);
    std::vector<int32_t> ids;
    for (int64_t t = 0; t < tokens.size(); ++t) {
      if (tokens.target[t]) ids.push_back(tokens.ids[t]);
    }
    text += tokenizer.Decode(ids, /*skip_special_tokens=*/false);
  }
  text.erase(std::remove_if(text.begin(), text.end(),
                            [](char c) { return c == ' ' || c == '\n'; }),
             text.end());
  return text;
}

struct Family {
  std::string name;
  std::string before, end;  // about each answer
  std::string last = {};    // behind the last of all
  size_t rows = 1;          // of two answers
  size_t system_rows = 1;   // likewise, with a system turn; 0: refused
};

void CheckFamily(const Family& family, const std::string& source,
                 const json& item) {
  CAPTURE(family.name);
  const text::ComposedTokenizer tokenizer = Make(
      source, item["bos"].get<std::string>(), item["eos"].get<std::string>());
  const ChatText chat(tokenizer);
  std::vector<ChatTurn> turns = {{"user", "one"},
                                 {"assistant", "alpha"},
                                 {"user", "two"},
                                 {"assistant", "beta"}};
  const auto wanted = [&](const char* answer) {
    return family.before + answer + family.end;
  };
  auto rows = chat.Whole(turns, false);
  if (!rows.ok()) FAIL(rows.status());
  CHECK(rows->size() == 1);
  CHECK(TargetsOf(tokenizer, *rows) == wanted("beta") + family.last);
  rows = chat.Whole(turns, true);
  if (!rows.ok()) FAIL(rows.status());
  CHECK(rows->size() == family.rows);
  CHECK(TargetsOf(tokenizer, *rows) ==
        wanted("alpha") + wanted("beta") + family.last);
  // The system turn stands before each answer.
  turns.insert(turns.begin(), {"system", "Speak low."});
  rows = chat.Whole(turns, true);
  CHECK(rows.ok() == (family.system_rows > 0));
  if (!rows.ok()) return;
  CHECK(rows->size() == family.system_rows);
  for (const RowText& row : *rows) {
    CAPTURE(row.text);
    CHECK(row.text.find("Speak low.") < row.answers[0].first);
  }
  CHECK(TargetsOf(tokenizer, *rows) ==
        wanted("alpha") + wanted("beta") + family.last);
}

TEST_CASE("answers and their ends bear loss in every family's form",
          "[data][chat]") {
  const std::vector<Family> families = {
      {"Llama 2", "", "<eos>"},
      {"Llama 3", "", "</t>"},
      {"Llama 3.1", "", "</t>"},
      {"Mistral v1", "", "<eos>", "", 1, 0},
      {"Mistral v3", "", "<eos>", "", 1, 2},
      {"Mistral v3 tekken", "", "<eos>", "", 1, 2},
      {"Qwen 2", "", "<e>"},
      {"Qwen 2.5", "", "<e>"},
      {"Qwen 3", "", "<e>", "", 2, 2},
      {"Gemma", "", "</t>", "", 1, 0},
      {"Gemma 3", "", "</t>"},
      {"Phi 3", "", "</t>"},
      {"SmolLM3", "<s>assistant", "<e>"},
      {"OLMo 2", "", "<eos>"},
      {"Granite 3", "", "</t>"},
      {"Zephyr", "", "<eos>"},
      {"ChatML", "", "<e>"},
      {"Vicuna", "", "<eos>"},
      {"Alpaca", "", "<eos>"},
  };
  const json forms = text::ReadGolden("chat_forms.json")["forms"];
  REQUIRE(forms.size() == families.size());
  for (size_t i = 0; i < families.size(); ++i) {
    REQUIRE(forms[i]["name"] == families[i].name);
    CheckFamily(families[i], forms[i]["template"].get<std::string>(), forms[i]);
  }
}

TEST_CASE("answers and their ends bear loss under the families' own templates",
          "[data][chat]") {
  const std::string thought = "<think></think>";
  const std::vector<Family> families = {
      {"llama-2", "", "</s>"},
      {"llama-3", "", "<|eot_id|>"},
      {"llama-3-training", "", "<|eot_id|>"},
      {"llama-3.1", "", "<|eot_id|>"},
      {"llama-3.2", "", "<|eot_id|>"},
      {"llama-3.3", "", "<|eot_id|>"},
      {"mistral-nemo", "", "</s>", "", 1, 2},
      {"qwen2.5", "", "<|im_end|>"},
      {"qwen2.5-training", "", "<|im_end|>"},
      {"qwen3", "", "<|im_end|>", "", 2, 2},
      {"qwen3-training", thought, "<|im_end|>"},
      {"gemma-2", "", "<end_of_turn>", "", 1, 0},
      {"gemma-3", "", "<end_of_turn>"},
      {"gemma-3-training", "", "<end_of_turn>"},
      {"phi-3", "", "<|end|>"},
      {"phi-3-training", "", "<|end|>", "<|endoftext|>"},
      {"phi-3.5", "", "<|end|>"},
      {"smollm3", "", "<|im_end|>"},
      {"olmo-2", "", "<|endoftext|>"},
      {"granite-3.3", "", "<|end_of_text|>"},
      {"chatml", "", "<|im_end|>"},
      {"alpaca", "", "</s>"},
  };
  const json real = text::ReadGolden("chat_forms.json")["real"];
  int found = 0;
  for (const Family& family : families) {
    const auto source = ReadFile(
        (support::AssetsDir() / "chat_templates" / (family.name + ".jinja"))
            .string());
    if (!source.ok()) continue;
    const auto item =
        std::find_if(real.begin(), real.end(),
                     [&](const json& r) { return r["name"] == family.name; });
    REQUIRE(item != real.end());
    ++found;
    CheckFamily(family, *source, *item);
  }
  if (found == 0) {
    support::Skip(support::Need::kMoreData,
                  "assets/chat_templates: scripts/fetch_assets.py --table "
                  "scripts/chat_templates.tsv");
  }
}

}  // namespace
}  // namespace sft::data::chat_families_test
