#include "harness/text/hf_export.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "harness/core/status.h"
#include "harness/text/gguf_pre_tokenizer.h"

namespace sft::text {
namespace {

using nlohmann::ordered_json;

bool InVocabulary(const formats::GgufTokenizerData& data, int32_t id) {
  return id >= 0 && static_cast<size_t>(id) < data.tokens.size();
}

ordered_json AddedTokensJson(const formats::GgufTokenizerData& data) {
  ordered_json added = ordered_json::array();
  for (size_t i = 0; i < data.token_types.size(); ++i) {
    const int32_t type = data.token_types[i];
    if (type != formats::kControlToken && type != formats::kUserDefinedToken)
      continue;
    added.push_back({{"id", i},
                     {"content", data.tokens[i]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", type == formats::kControlToken}});
  }
  return added;
}

// What stands around every text, as MakeTokenizerFromGguf() reads it: around
// each of a pair's texts, the second one's of type 1, as Llama's tokenizer has
// it. null where nothing does.
ordered_json PostProcessorJson(const formats::GgufTokenizerData& data,
                               bool adds_bos) {
  const auto added = [&](bool adds, std::optional<int32_t> id) {
    return adds && id.has_value() && InVocabulary(data, *id);
  };
  const bool bos = added(data.add_bos.value_or(adds_bos), data.bos);
  const bool eos = added(data.add_eos.value_or(false), data.eos);
  if (!bos && !eos) return nullptr;
  ordered_json special = ordered_json::object();
  const auto token = [&](int32_t id, int type) {
    const std::string& text = data.tokens[static_cast<size_t>(id)];
    special[text] = {{"id", text},
                     {"ids", ordered_json::array({id})},
                     {"tokens", ordered_json::array({text})}};
    return ordered_json{{"SpecialToken", {{"id", text}, {"type_id", type}}}};
  };
  const auto append = [&](const char* text, int type, ordered_json& out) {
    if (bos) out.push_back(token(*data.bos, type));
    out.push_back({{"Sequence", {{"id", text}, {"type_id", type}}}});
    if (eos) out.push_back(token(*data.eos, type));
  };
  ordered_json single = ordered_json::array();
  append("A", 0, single);
  ordered_json pair = single;
  append("B", 1, pair);
  return {{"type", "TemplateProcessing"},
          {"single", std::move(single)},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(special)}};
}

// All that ends an answer: a folder's tokenizer names one token alone.
ordered_json GenerationConfig(const formats::GgufTokenizerData& data) {
  ordered_json out = ordered_json::object();
  const auto one = [&](const char* key, std::optional<int32_t> id) {
    if (id.has_value() && InVocabulary(data, *id)) out[key] = *id;
  };
  one("bos_token_id", data.bos);
  ordered_json ends = ordered_json::array();
  for (const std::optional<int32_t>& id : {data.eos, data.eot, data.eom}) {
    if (!id.has_value() || !InVocabulary(data, *id)) continue;
    if (std::find(ends.begin(), ends.end(), *id) == ends.end()) {
      ends.push_back(*id);
    }
  }
  if (ends.size() == 1) out["eos_token_id"] = ends[0];
  if (ends.size() > 1) out["eos_token_id"] = std::move(ends);
  one("pad_token_id", data.pad);
  return out;
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> HfTokenizerFiles(
    const formats::GgufTokenizerData& data, const std::string& file) {
  SFT_ASSIGN_OR_RETURN(const GgufPreTokenizer pre,
                       GgufPreTokenizerOf(data.pre, file));
  ordered_json vocabulary = ordered_json::object();
  for (size_t i = 0; i < data.tokens.size(); ++i) {
    vocabulary[data.tokens[i]] = i;
  }
  ordered_json post = PostProcessorJson(data, pre.adds_bos);
  ordered_json tokenizer = {{"version", "1.0"},
                            {"truncation", nullptr},
                            {"padding", nullptr},
                            {"added_tokens", AddedTokensJson(data)},
                            {"normalizer", nullptr},
                            {"pre_tokenizer", pre.pre_tokenizer},
                            {"post_processor", std::move(post)},
                            {"decoder", ByteLevelJson(true)},
                            {"model",
                             {{"type", "BPE"},
                              {"dropout", nullptr},
                              {"unk_token", nullptr},
                              {"continuing_subword_prefix", nullptr},
                              {"end_of_word_suffix", nullptr},
                              {"fuse_unk", false},
                              {"byte_fallback", false},
                              {"ignore_merges", pre.ignore_merges},
                              {"vocab", std::move(vocabulary)},
                              {"merges", data.merges}}}};
  ordered_json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                         {"clean_up_tokenization_spaces", false}};
  auto name = [&](const char* key, std::optional<int32_t> id) {
    if (id.has_value() && InVocabulary(data, *id)) {
      config[key] = data.tokens[static_cast<size_t>(*id)];
    }
  };
  name("bos_token", data.bos);
  name("eos_token", data.eos);
  name("unk_token", data.unk);
  name("pad_token", data.pad);
  std::map<std::string, std::string> files;
  if (data.chat_template.has_value()) {
    config["chat_template"] = *data.chat_template;
    files["chat_template.jinja"] = *data.chat_template;
  }
  files["tokenizer.json"] = tokenizer.dump();
  files["tokenizer_config.json"] = config.dump(1);
  files["generation_config.json"] = GenerationConfig(data).dump(1);
  return files;
}

}  // namespace sft::text
