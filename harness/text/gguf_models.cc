#include "harness/text/gguf_models.h"

#include <utility>

#include "harness/core/status.h"
#include "harness/text/bpe.h"
#include "harness/text/gguf_pre_tokenizer.h"
#include "harness/text/hf_tokenizer_json.h"
#include "harness/text/sentencepiece_tokenizer.h"
#include "harness/text/wordpiece.h"

namespace sft::text {
namespace {

using formats::GgufTokenizerData;
using formats::PieceType;
using nlohmann::json;

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

// The file's tokens as a model. What is cut out of the text beforehand is none
// of its pieces.
absl::StatusOr<formats::SentencePieceModel> PiecesOf(
    const GgufTokenizerData& data, formats::SentencePieceModel::Kind kind,
    const std::string& file) {
  const size_t count = data.tokens.size();
  if (data.scores.size() != count || data.token_types.size() != count) {
    return InputError(
        file, absl::StrCat(data.scores.size(), " scores and ",
                           data.token_types.size(), " token types for ", count,
                           " tokens: tokenizer.ggml.scores and .token_type "
                           "must have one for each"));
  }
  formats::SentencePieceModel model;
  model.kind = kind;
  model.unk_id = data.unk.value_or(0);
  for (size_t i = 0; i < count; ++i) {
    formats::SentencePiece piece{data.tokens[i], data.scores[i]};
    piece.type = PieceType::kUnused;
    if (static_cast<int32_t>(i) == model.unk_id) {
      piece.type = PieceType::kUnknown;
    } else if (data.token_types[i] == formats::kByteToken) {
      piece.type = PieceType::kByte;
      model.byte_fallback = true;
    } else if (data.token_types[i] ==
               static_cast<int32_t>(PieceType::kNormal)) {
      piece.type = PieceType::kNormal;
    }
    model.pieces.push_back(std::move(piece));
  }
  model.charsmap = data.charsmap;
  model.add_dummy_prefix = data.add_space_prefix.value_or(true);
  model.remove_extra_whitespaces =
      kind == formats::SentencePieceModel::Kind::kUnigram &&
      data.remove_extra_whitespaces.value_or(false);
  SFT_RETURN_IF_ERROR(formats::CheckSentencePiece(model, file));
  return model;
}

absl::StatusOr<GgufParts> PartsOf(const GgufTokenizerData& data,
                                  const formats::SentencePieceModel& model,
                                  const std::string& file) {
  GgufParts out;
  SFT_ASSIGN_OR_RETURN(out.parts,
                       MakeSentencePieceParts(
                           model, GgufAddedTokens(data, /*with_unknown=*/true),
                           model.add_dummy_prefix ? DummyPrefix::kEverySection
                                                  : DummyPrefix::kNone,
                           file));
  return out;
}

}  // namespace

std::vector<AddedToken> GgufAddedTokens(const GgufTokenizerData& data,
                                        bool with_unknown) {
  std::vector<AddedToken> added;
  for (size_t i = 0; i < data.token_types.size(); ++i) {
    const int32_t type = data.token_types[i];
    const bool unknown = with_unknown && type == formats::kUnknownToken;
    if (type != formats::kControlToken && type != formats::kUserDefinedToken &&
        !unknown) {
      continue;
    }
    AddedToken token;
    token.id = static_cast<int32_t>(i);
    token.content = data.tokens[i];
    token.special = type != formats::kUserDefinedToken;
    token.rstrip = data.strips_behind_special && token.content != "<unk>" &&
                   token.content != "<s>" && token.content != "<|endoftext|>";
    added.push_back(std::move(token));
  }
  return added;
}

absl::StatusOr<GgufParts> GgufMergeParts(const GgufTokenizerData& data,
                                         const std::string& file) {
  SFT_ASSIGN_OR_RETURN(const GgufPreTokenizer choice,
                       GgufPreTokenizerOf(data.pre, file));
  SFT_ASSIGN_OR_RETURN(const std::vector<BpeModel::Merge> merges,
                       SplitMerges(data.merges, file));
  SFT_ASSIGN_OR_RETURN(Vocabulary vocabulary,
                       Vocabulary::FromTokens(data.tokens, file));
  BpeOptions options;
  options.ignore_merges = choice.ignore_merges;
  SFT_ASSIGN_OR_RETURN(
      std::unique_ptr<BpeModel> model,
      BpeModel::Make(std::move(vocabulary), merges, std::move(options), file));
  json decoder = ByteLevelJson(true);
  decoder["add_prefix_space"] = true;
  const json pipeline = {{"pre_tokenizer", choice.pre_tokenizer},
                         {"decoder", std::move(decoder)}};
  GgufParts out;
  SFT_ASSIGN_OR_RETURN(
      out.parts,
      AssembleTokenizer(std::move(model),
                        GgufAddedTokens(data, /*with_unknown=*/false), pipeline,
                        file));
  out.adds_bos = choice.adds_bos;
  return out;
}

absl::StatusOr<GgufParts> GgufScoreParts(const GgufTokenizerData& data,
                                         const std::string& file) {
  SFT_ASSIGN_OR_RETURN(
      const formats::SentencePieceModel model,
      PiecesOf(data, formats::SentencePieceModel::Kind::kBpe, file));
  SFT_ASSIGN_OR_RETURN(GgufParts out, PartsOf(data, model, file));
  out.adds_bos = true;
  return out;
}

absl::StatusOr<GgufParts> GgufUnigramParts(const GgufTokenizerData& data,
                                           const std::string& file) {
  SFT_ASSIGN_OR_RETURN(
      const formats::SentencePieceModel model,
      PiecesOf(data, formats::SentencePieceModel::Kind::kUnigram, file));
  SFT_ASSIGN_OR_RETURN(GgufParts out, PartsOf(data, model, file));
  out.adds_eos = true;
  return out;
}

absl::StatusOr<GgufParts> GgufWordParts(const GgufTokenizerData& data,
                                        const std::string& file) {
  // A word's beginning is marked there, its other parts are here.
  json vocab = json::object();
  for (size_t i = 0; i < data.tokens.size(); ++i) {
    const std::string& token = data.tokens[i];
    const bool bare = token.starts_with('[') && token.ends_with(']');
    std::string text = bare ? token : "##" + token;
    if (token.starts_with(kSpaceSymbol)) {
      text = token.substr(kSpaceSymbol.size());
    }
    if (!vocab.emplace(std::move(text), i).second) {
      return InputError(file, absl::StrCat("token ", i, " is there twice"));
    }
  }
  SFT_ASSIGN_OR_RETURN(
      std::unique_ptr<WordPieceModel> model,
      WordPieceModel::Parse({{"vocab", std::move(vocab)}}, file));
  const json pipeline = {{"normalizer", {{"type", "BertNormalizer"}}},
                         {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                         {"decoder", {{"type", "WordPiece"}}}};
  GgufParts out;
  SFT_ASSIGN_OR_RETURN(
      out.parts,
      AssembleTokenizer(std::move(model),
                        GgufAddedTokens(data, /*with_unknown=*/false), pipeline,
                        file));
  if (data.bos.has_value() && data.sep.has_value()) {
    InputLayout layout;
    layout.before = {*data.bos};
    layout.between = layout.after = {*data.sep};
    layout.second_type = true;
    out.parts.post.single = {layout.before, layout.after};
    out.parts.post.layout = std::move(layout);
  }
  return out;
}

}  // namespace sft::text
