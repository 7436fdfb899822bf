#include "harness/text/sentencepiece_tokenizer.h"

#include <algorithm>
#include <cfloat>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/core/digest.h"
#include "harness/core/status.h"
#include "harness/text/bpe.h"
#include "harness/text/sentencepiece_decoder.h"
#include "harness/text/unigram.h"

namespace sft::text {
namespace {

using formats::PieceType;
using formats::SentencePiece;
using formats::SentencePieceModel;

constexpr float kUnknownCost = 10;

// Scores as the library's search has them: those of normal pieces, and for a
// user-defined one more than other cuts of its text have.
std::unique_ptr<UnigramModel> MakeUnigram(const SentencePieceModel& model,
                                          Vocabulary vocabulary) {
  float lowest = FLT_MAX;
  std::vector<double> scores;
  std::vector<bool> found;
  for (const SentencePiece& piece : model.pieces) {
    const bool normal = piece.type == PieceType::kNormal;
    const bool whole = piece.type == PieceType::kUserDefined;
    if (normal) lowest = std::min(lowest, piece.score);
    // Of version 0.2.3, as measured.
    const double bonus = 0.1 * (static_cast<double>(piece.text.size()) - 1);
    scores.push_back(whole ? bonus : piece.score);
    found.push_back(whole || normal);
  }
  UnigramOptions options;
  options.unk_id = model.unk_id;
  options.byte_fallback = model.byte_fallback;
  options.as_sentencepiece = true;
  return UnigramModel::Make(std::move(vocabulary), std::move(scores),
                            lowest - kUnknownCost, found, options);
}

absl::StatusOr<std::unique_ptr<SubwordModel>> MakeModel(
    const SentencePieceModel& model, const std::string& file) {
  if (model.kind == SentencePieceModel::Kind::kBpe) {
    return BpeModel::MakeByScores(model, file);
  }
  std::vector<std::string> texts;
  for (const SentencePiece& piece : model.pieces) texts.push_back(piece.text);
  SFT_ASSIGN_OR_RETURN(Vocabulary vocabulary,
                       Vocabulary::FromTokens(std::move(texts), file));
  return MakeUnigram(model, std::move(vocabulary));
}

void AddControls(const SentencePieceModel& model,
                 std::vector<AddedToken>& added) {
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    if (model.pieces[id].type != PieceType::kControl) continue;
    AddedToken token;
    token.id = static_cast<int32_t>(id);
    token.content = model.pieces[id].text;
    token.special = true;
    added.push_back(std::move(token));
  }
}

// For the digest: all that decides ids and is in none of the other parts.
std::string PipelineOf(const SentencePieceModel& model, DummyPrefix prefix) {
  std::string types;
  for (const SentencePiece& piece : model.pieces) {
    types += static_cast<char>('0' + static_cast<int>(piece.type));
  }
  return nlohmann::json{
      {"type", "SentencePiece"},
      {"prefix", static_cast<int>(prefix)},
      {"charsmap", Sha256Hex(model.charsmap)},
      {"types", Sha256Hex(types)},
      {"removes_extra_spaces", model.remove_extra_whitespaces},
      {"escapes_spaces", model.escape_whitespaces},
      {"space_as_suffix", model.whitespace_as_suffix},
      {"unk_surface", Sha256Hex(model.unk_surface)}}
      .dump();
}

}  // namespace

absl::StatusOr<TokenizerParts> MakeSentencePieceParts(
    const SentencePieceModel& model, std::vector<AddedToken> added,
    DummyPrefix prefix, const std::string& file) {
  AddControls(model, added);
  SFT_ASSIGN_OR_RETURN(std::unique_ptr<SubwordModel> subwords,
                       MakeModel(model, file));
  TokenizerParts parts;
  SFT_ASSIGN_OR_RETURN(parts.normalizer,
                       SentencePieceNormalizer::Make(model, prefix, file));
  SFT_ASSIGN_OR_RETURN(parts.pre_tokenizer, ParsePreTokenizer({}, file));
  parts.decoder = MakeSentencePieceDecoder(model, prefix != DummyPrefix::kNone);
  SFT_ASSIGN_OR_RETURN(
      parts.added, AddedTokens::Make(std::move(added), subwords->vocabulary(),
                                     *parts.normalizer, file));
  parts.pipeline = PipelineOf(model, prefix);
  parts.model = std::move(subwords);
  parts.bos_id = model.bos_id;
  parts.eos_id = model.eos_id;
  parts.pad_id = model.pad_id;
  return parts;
}

}  // namespace sft::text
