#include "harness/text/hf_export.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "harness/core/status.h"
#include "harness/text/gguf_models.h"
#include "harness/text/gguf_pre_tokenizer.h"
#include "harness/text/subword_model.h"

namespace sft::text {
namespace {

using nlohmann::ordered_json;

bool InVocabulary(const formats::GgufTokenizerData& data, int32_t id) {
  return id >= 0 && static_cast<size_t>(id) < data.tokens.size();
}

ordered_json AddedTokensJson(const formats::GgufTokenizerData& data,
                             bool with_unknown) {
  ordered_json added = ordered_json::array();
  for (const AddedToken& token : GgufAddedTokens(data, with_unknown)) {
    added.push_back({{"id", token.id},
                     {"content", token.content},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", token.rstrip},
                     {"normalized", false},
                     {"special", token.special}});
  }
  return added;
}

// The parts of tokenizer.json that differ by tokenizer.ggml.model.
struct ModelJson {
  ordered_json normalizer, pre_tokenizer, decoder, model;
  bool adds_bos = false;
  bool adds_unknown = false;  // to the added tokens
};

ordered_json BpeJson(const formats::GgufTokenizerData& data) {
  ordered_json vocabulary = ordered_json::object();
  for (size_t i = 0; i < data.tokens.size(); ++i) {
    vocabulary[data.tokens[i]] = i;
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", std::move(vocabulary)},
          {"merges", ordered_json::array()}};
}

absl::StatusOr<ModelJson> MergeJson(const formats::GgufTokenizerData& data,
                                    const std::string& file) {
  SFT_ASSIGN_OR_RETURN(const GgufPreTokenizer pre,
                       GgufPreTokenizerOf(data.pre, file));
  ModelJson out;
  out.pre_tokenizer = pre.pre_tokenizer;
  out.decoder = ByteLevelJson(true);
  out.model = BpeJson(data);
  out.model["ignore_merges"] = pre.ignore_merges;
  out.model["merges"] = data.merges;
  out.adds_bos = pre.adds_bos;
  return out;
}

// Scores as merges: pieces from the highest score on, each with the pairs of
// pieces that it can be joined of.
ordered_json MergesOfScores(const formats::GgufTokenizerData& data) {
  std::vector<size_t> order;
  absl::flat_hash_map<std::string, size_t> ids;
  for (size_t i = 0; i < data.tokens.size(); ++i) {
    if (data.token_types[i] != 1) continue;
    order.push_back(i);
    ids.emplace(data.tokens[i], i);
  }
  std::stable_sort(order.begin(), order.end(), [&data](size_t a, size_t b) {
    return data.scores[a] > data.scores[b];
  });
  ordered_json merges = ordered_json::array();
  for (size_t i : order) {
    const std::string& piece = data.tokens[i];
    for (size_t at = 1; at < piece.size(); ++at) {
      const std::string left = piece.substr(0, at), right = piece.substr(at);
      if (ids.contains(left) && ids.contains(right)) {
        merges.push_back(ordered_json::array({left, right}));
      }
    }
  }
  return merges;
}

absl::StatusOr<ModelJson> ScoreJson(const formats::GgufTokenizerData& data,
                                    const std::string& file) {
  if (data.scores.size() != data.tokens.size() ||
      data.token_types.size() != data.tokens.size()) {
    return InputError(file, "has no score or no type for some tokens");
  }
  const auto replace = [](std::string_view from, std::string_view to) {
    return ordered_json{
        {"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
  };
  const bool prefix = data.add_space_prefix.value_or(true);
  ModelJson out;
  out.normalizer = replace(" ", kSpaceSymbol);
  if (prefix) {
    out.normalizer = {{"type", "Sequence"},
                      {"normalizers",
                       {{{"type", "Prepend"}, {"prepend", kSpaceSymbol}},
                        replace(" ", kSpaceSymbol)}}};
  }
  ordered_json decoders = {replace(kSpaceSymbol, " "),
                           {{"type", "ByteFallback"}},
                           {{"type", "Fuse"}}};
  if (prefix) {
    decoders.push_back(
        {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  out.decoder = {{"type", "Sequence"}, {"decoders", std::move(decoders)}};
  out.model = BpeJson(data);
  const auto unk = static_cast<size_t>(data.unk.value_or(0));
  if (unk < data.tokens.size()) out.model["unk_token"] = data.tokens[unk];
  out.model["fuse_unk"] = true;
  out.model["byte_fallback"] =
      std::count(data.token_types.begin(), data.token_types.end(),
                 formats::kByteToken) > 0;
  out.model["merges"] = MergesOfScores(data);
  out.adds_bos = true;
  out.adds_unknown = true;
  return out;
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

absl::StatusOr<ModelJson> JsonOf(const formats::GgufTokenizerData& data,
                                 const std::string& file) {
  if (data.model == "gpt2") return MergeJson(data, file);
  if (data.model == "llama") return ScoreJson(data, file);
  return InputError(
      file, absl::StrCat("a tokenizer of tokenizer.ggml.model \"", data.model,
                         "\" cannot be written as tokenizer.json"));
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> HfTokenizerFiles(
    const formats::GgufTokenizerData& data, const std::string& file) {
  SFT_ASSIGN_OR_RETURN(ModelJson model, JsonOf(data, file));
  ordered_json post = PostProcessorJson(data, model.adds_bos);
  ordered_json tokenizer = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", AddedTokensJson(data, model.adds_unknown)},
      {"normalizer", std::move(model.normalizer)},
      {"pre_tokenizer", std::move(model.pre_tokenizer)},
      {"post_processor", std::move(post)},
      {"decoder", std::move(model.decoder)},
      {"model", std::move(model.model)}};
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
