// MakeTokenizerFromGguf: see tokenizer_factory.h.
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/text/composed_tokenizer.h"
#include "harness/text/gguf_models.h"
#include "harness/text/tokenizer_factory.h"

namespace sft::text {
namespace {

absl::Status CheckId(const char* name, std::optional<int32_t> id, size_t count,
                     const std::string& file) {
  if (!id.has_value() || (*id >= 0 && static_cast<size_t>(*id) < count)) {
    return absl::OkStatus();
  }
  return InputError(file, absl::StrFormat("%s token id %d is not in [0, %d)",
                                          name, *id, count));
}

struct ModelRow {
  const char* name;  // of tokenizer.ggml.model
  absl::StatusOr<GgufParts> (*make)(const formats::GgufTokenizerData&,
                                    const std::string&);
};
constexpr ModelRow kModels[] = {{"gpt2", GgufMergeParts},
                                {"llama", GgufScoreParts},
                                {"t5", GgufUnigramParts},
                                {"bert", GgufWordParts}};

absl::StatusOr<GgufParts> MakeGgufParts(const formats::GgufTokenizerData& data,
                                        const std::string& file) {
  std::vector<std::string> known;
  for (const ModelRow& row : kModels) {
    if (data.model == row.name) return row.make(data, file);
    known.push_back(row.name);
  }
  return InputError(file, absl::StrCat("tokenizer.ggml.model \"", data.model,
                                       "\" is not supported (",
                                       absl::StrJoin(known, ", "), " are)"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeTokenizerFromGguf(
    formats::GgufTokenizerData data, const std::string& file) {
  const size_t count = data.tokens.size();
  if (!data.token_types.empty() && data.token_types.size() != count) {
    return InputError(file, absl::StrFormat("%d token types for %d tokens",
                                            data.token_types.size(), count));
  }
  const std::pair<const char*, std::optional<int32_t>> ids[] = {
      {"bos", data.bos}, {"eos", data.eos}, {"unk", data.unk},
      {"pad", data.pad}, {"eot", data.eot}, {"eom", data.eom},
      {"sep", data.sep}};
  for (const auto& [name, id] : ids) {
    SFT_RETURN_IF_ERROR(CheckId(name, id, count, file));
  }
  SFT_ASSIGN_OR_RETURN(GgufParts made, MakeGgufParts(data, file));
  TokenizerParts& parts = made.parts;
  const auto token_text = [&](std::optional<int32_t> id) {
    return id.has_value() ? data.tokens[static_cast<size_t>(*id)]
                          : std::string();
  };
  parts.bos_id = data.bos;
  parts.eos_id = data.eos;
  parts.pad_id = data.pad;
  parts.end_of_turn_id = data.eot.has_value() ? data.eot : data.eos;
  if (data.add_bos.value_or(made.adds_bos) && data.bos.has_value()) {
    parts.post.single.before = {*data.bos};
  }
  if (data.add_eos.value_or(made.adds_eos) && data.eos.has_value()) {
    parts.post.single.after = {*data.eos};
  }
  if (data.eom.has_value()) parts.more_stop_ids = {*data.eom};
  if (data.chat_template.has_value()) {
    SFT_ASSIGN_OR_RETURN(
        parts.chat_template,
        ChatTemplate::Compile(*data.chat_template, file, token_text(data.bos),
                              token_text(data.eos)));
  }
  return std::make_unique<ComposedTokenizer>(std::move(parts));
}

}  // namespace sft::text
