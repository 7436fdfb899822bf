// MakeTokenizerFromGguf: see tokenizer_factory.h.
#include <utility>

#include "harness/core/status.h"
#include "harness/formats/json_fields.h"
#include "harness/text/bpe.h"
#include "harness/text/byte_level.h"
#include "harness/text/gguf_pre_tokenizer.h"
#include "harness/text/hf_tokenizer_json.h"
#include "harness/text/tokenizer_factory.h"

namespace sft::text {
namespace {

using nlohmann::json;

absl::Status CheckId(const char* name, std::optional<int32_t> id, size_t count,
                     const std::string& file) {
  if (!id.has_value() || (*id >= 0 && static_cast<size_t>(*id) < count)) {
    return absl::OkStatus();
  }
  return InputError(file, absl::StrFormat("%s token id %d is not in [0, %d)",
                                          name, *id, count));
}

absl::StatusOr<std::vector<BpeModel::Merge>> SplitMerges(
    const std::vector<std::string>& lines, const std::string& file) {
  std::vector<BpeModel::Merge> merges;
  merges.reserve(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    // Byte-level tokens hold no space, so the first one is the separator.
    const size_t space = lines[i].find(' ', 1);
    if (space == std::string::npos) {
      return InputError(file,
                        absl::StrFormat("merge %d (\"%s\") has no two parts", i,
                                        lines[i].substr(0, 64)));
    }
    merges.emplace_back(lines[i].substr(0, space), lines[i].substr(space + 1));
  }
  return merges;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeTokenizerFromGguf(
    formats::GgufTokenizerData data, const std::string& file) {
  const size_t count = data.tokens.size();
  if (data.model != "gpt2") {
    return InputError(file, absl::StrCat("tokenizer.ggml.model \"", data.model,
                                         "\" is not supported (gpt2 is)"));
  }
  if (!data.token_types.empty() && data.token_types.size() != count) {
    return InputError(file, absl::StrFormat("%d token types for %d tokens",
                                            data.token_types.size(), count));
  }
  const std::pair<const char*, std::optional<int32_t>> ids[] = {
      {"bos", data.bos}, {"eos", data.eos}, {"unk", data.unk},
      {"pad", data.pad}, {"eot", data.eot}, {"eom", data.eom}};
  for (const auto& [name, id] : ids) {
    SFT_RETURN_IF_ERROR(CheckId(name, id, count, file));
  }
  SFT_ASSIGN_OR_RETURN(const GgufPreTokenizer choice,
                       GgufPreTokenizerOf(data.pre, file));
  const auto token_text = [&](std::optional<int32_t> id) {
    return id.has_value() ? data.tokens[static_cast<size_t>(*id)]
                          : std::string();
  };
  const std::string bos = token_text(data.bos);
  const std::string eos = token_text(data.eos);
  std::vector<AddedToken> added;
  for (size_t i = 0; i < data.token_types.size(); ++i) {
    const int32_t type = data.token_types[i];
    if (type != formats::kControlToken && type != formats::kUserDefinedToken)
      continue;
    AddedToken token;
    token.id = static_cast<int32_t>(i);
    token.content = data.tokens[i];
    token.special = type == formats::kControlToken;
    added.push_back(std::move(token));
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<BpeModel::Merge> merges,
                       SplitMerges(data.merges, file));
  SFT_ASSIGN_OR_RETURN(Vocabulary vocabulary,
                       Vocabulary::FromTokens(std::move(data.tokens), file));
  BpeOptions options;
  options.ignore_merges = choice.ignore_merges;
  SFT_ASSIGN_OR_RETURN(
      std::unique_ptr<BpeModel> model,
      BpeModel::Make(std::move(vocabulary), merges, std::move(options), file));
  json decoder = ByteLevelJson(true);
  decoder["add_prefix_space"] = true;
  const json pipeline = {{"pre_tokenizer", choice.pre_tokenizer},
                         {"decoder", std::move(decoder)}};
  SFT_ASSIGN_OR_RETURN(
      TokenizerParts parts,
      AssembleTokenizer(std::move(model), std::move(added), pipeline, file));
  parts.bos_id = data.bos;
  parts.eos_id = data.eos;
  parts.pad_id = data.pad;
  parts.end_of_turn_id = data.eot.has_value() ? data.eot : data.eos;
  if (data.add_bos.value_or(choice.adds_bos) && data.bos.has_value()) {
    parts.post.single.before = {*data.bos};
  }
  if (data.add_eos.value_or(false) && data.eos.has_value()) {
    parts.post.single.after = {*data.eos};
  }
  if (data.eom.has_value()) parts.more_stop_ids = {*data.eom};
  if (data.chat_template.has_value()) {
    SFT_ASSIGN_OR_RETURN(
        parts.chat_template,
        ChatTemplate::Compile(*data.chat_template, file, bos, eos));
  }
  return std::make_unique<ComposedTokenizer>(std::move(parts));
}

}  // namespace sft::text
