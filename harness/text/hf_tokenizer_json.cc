// See hf_tokenizer_json.h.
#include "harness/text/hf_tokenizer_json.h"

#include <utility>

#include "harness/core/status.h"
#include "harness/formats/json_fields.h"
#include "harness/text/bpe.h"
#include "harness/text/post_processor.h"
#include "harness/text/unigram.h"
#include "harness/text/wordpiece.h"

namespace sft::text {
namespace {

using nlohmann::json;

absl::StatusOr<std::unique_ptr<SubwordModel>> ParseModel(
    const json& config, const std::string& file) {
  // Files older than 2020 name no type; theirs is BPE if it has merges.
  const std::string fallback =
      formats::FindField(config, "merges") != nullptr ? "BPE" : "WordPiece";
  SFT_ASSIGN_OR_RETURN(const std::string type,
                       formats::StringField(config, "type", fallback, file));
  if (type == "BPE") return BpeModel::Parse(config, file);
  if (type == "WordPiece") return WordPieceModel::Parse(config, file);
  if (type == "Unigram") return UnigramModel::Parse(config, file);
  return InputError(file, absl::StrCat("model type \"", type,
                                       "\" is not supported (BPE, Unigram and "
                                       "WordPiece are)"));
}

json FieldOrNull(const json& object, const char* name) {
  const json* field = formats::FindField(object, name);
  return field != nullptr ? *field : json();
}

}  // namespace

absl::StatusOr<TokenizerParts> AssembleTokenizer(
    std::unique_ptr<SubwordModel> model, std::vector<AddedToken> added,
    const json& pipeline, const std::string& file) {
  TokenizerParts parts;
  json kept;
  for (const char* name : {"normalizer", "pre_tokenizer", "decoder"}) {
    kept[name] = FieldOrNull(pipeline, name);
  }
  SFT_ASSIGN_OR_RETURN(parts.normalizer,
                       ParseNormalizer(kept["normalizer"], file));
  SFT_ASSIGN_OR_RETURN(parts.pre_tokenizer,
                       ParsePreTokenizer(kept["pre_tokenizer"], file));
  SFT_ASSIGN_OR_RETURN(parts.decoder, ParseDecoder(kept["decoder"], file));
  SFT_ASSIGN_OR_RETURN(parts.added,
                       AddedTokens::Make(std::move(added), model->vocabulary(),
                                         *parts.normalizer, file));
  parts.pipeline = kept.dump();
  parts.model = std::move(model);
  return parts;
}

absl::StatusOr<TokenizerParts> ParseTokenizerJson(const json& root,
                                                  const std::string& file) {
  const json* model_config = formats::FindField(root, "model");
  if (model_config == nullptr || !model_config->is_object()) {
    return InputError(file, "field \"model\" must be an object");
  }
  SFT_ASSIGN_OR_RETURN(std::unique_ptr<SubwordModel> model,
                       ParseModel(*model_config, file));
  SFT_ASSIGN_OR_RETURN(
      std::vector<AddedToken> added,
      AddedTokens::Parse(FieldOrNull(root, "added_tokens"), file));
  SFT_ASSIGN_OR_RETURN(
      TokenizerParts parts,
      AssembleTokenizer(std::move(model), std::move(added), root, file));
  SFT_ASSIGN_OR_RETURN(parts.post, ParsePostProcessor(
                                       FieldOrNull(root, "post_processor"),
                                       [&parts](std::string_view token) {
                                         return parts.TokenId(token);
                                       },
                                       file));
  if (parts.post.layout.has_value()) {
    parts.post.layout->space_before_words =
        CutsWordsWithSpace(FieldOrNull(root, "pre_tokenizer"));
  }
  return parts;
}

}  // namespace sft::text
