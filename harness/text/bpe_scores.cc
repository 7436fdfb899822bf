// BpeModel::MakeByScores: see bpe.h. Semantics: google/sentencepiece,
// src/bpe_model.cc and sentencepiece_processor.cc.
#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/text/bpe.h"

namespace sft::text {
namespace {

using formats::PieceType;

// Of a character that no piece begins with: no pair holds it.
constexpr int32_t kNoSymbol = std::numeric_limits<int32_t>::max();

std::vector<std::string> TextsOf(const formats::SentencePieceModel& model) {
  std::vector<std::string> texts;
  texts.reserve(model.pieces.size());
  for (const formats::SentencePiece& piece : model.pieces) {
    texts.push_back(piece.text);
  }
  return texts;
}

// Scores as ranks: 0 is the highest. Equal ones are one rank.
std::vector<uint32_t> RanksOf(const formats::SentencePieceModel& model) {
  std::vector<float> scores;
  for (const formats::SentencePiece& piece : model.pieces) {
    if (piece.type == PieceType::kNormal) scores.push_back(piece.score);
  }
  std::sort(scores.begin(), scores.end(), std::greater<float>());
  scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
  std::vector<uint32_t> ranks;
  ranks.reserve(model.pieces.size());
  for (const formats::SentencePiece& piece : model.pieces) {
    const auto at = std::lower_bound(scores.begin(), scores.end(), piece.score,
                                     std::greater<float>());
    ranks.push_back(static_cast<uint32_t>(at - scores.begin()));
  }
  return ranks;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BpeModel>> BpeModel::MakeByScores(
    const formats::SentencePieceModel& model, const std::string& file) {
  BpeOptions options;
  options.fuse_unk = true;
  options.byte_fallback = model.byte_fallback;
  SFT_ASSIGN_OR_RETURN(Vocabulary vocabulary,
                       Vocabulary::FromTokens(TextsOf(model), file));
  std::unique_ptr<BpeModel> out(
      new BpeModel(std::move(vocabulary), std::move(options)));
  out->by_scores_ = true;
  out->unk_id_ = model.unk_id;
  const auto mergeable = [&model](int32_t id) {
    return model.pieces[static_cast<size_t>(id)].type == PieceType::kNormal;
  };
  const auto is_character = [](std::string_view text) {
    return DecodeUtf8At(text, 0).size_bytes == text.size();
  };
  int32_t next_symbol = out->vocabulary_.size();
  // What a text is before it is merged further: -1 where it never comes up.
  const auto symbol_of = [&](std::string_view text) {
    const std::optional<int32_t> id = out->vocabulary_.Id(text);
    if (id.has_value() && mergeable(*id)) return *id;
    if (!is_character(text)) return -1;
    const char32_t c = DecodeUtf8At(text, 0).code_point;
    const auto [it, added] = out->symbols_.emplace(c, next_symbol);
    if (added) ++next_symbol;
    return it->second;
  };
  const std::vector<uint32_t> ranks = RanksOf(model);
  std::vector<ByteTrie::Entry> whole;
  for (int32_t id = 0; id < out->vocabulary_.size(); ++id) {
    const formats::SentencePiece& piece = model.pieces[static_cast<size_t>(id)];
    const std::string_view text = piece.text;
    if (piece.type == PieceType::kUserDefined) whole.emplace_back(text, id);
    if (piece.type != PieceType::kNormal) continue;
    size_t at = DecodeUtf8At(text, 0).size_bytes;
    if (at == text.size()) {
      out->symbols_[DecodeUtf8At(text, 0).code_point] = id;
    }
    for (; at < text.size(); at += DecodeUtf8At(text, at).size_bytes) {
      const int32_t left = symbol_of(text.substr(0, at));
      const int32_t right = symbol_of(text.substr(at));
      if (left < 0 || right < 0) continue;
      out->NoteCrossing(text.substr(0, at), text.substr(at));
      out->merges_[PairKey(left, right)] = {ranks[static_cast<size_t>(id)], id};
    }
  }
  out->whole_ = ByteTrie(std::move(whole));
  for (int byte = 0; model.byte_fallback && byte < 256; ++byte) {
    out->byte_ids_.push_back(
        out->vocabulary_.Id(formats::BytePiece(byte)).value_or(-1));
  }
  const auto space =
      out->symbols_.find(DecodeUtf8At(kSpaceSymbol, 0).code_point);
  out->LearnCuts(space != out->symbols_.end() &&
                 space->second < out->vocabulary_.size());
  return out;
}

void BpeModel::InitialsByScores(std::string_view word,
                                std::vector<Subword>* out) const {
  for (size_t at = 0; at < word.size();) {
    const Utf8Char c = DecodeUtf8At(word, at);
    const auto it = symbols_.find(c.code_point);
    const size_t end = at + c.size_bytes;
    out->push_back({it == symbols_.end() ? kNoSymbol : it->second,
                    static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
    at = end;
  }
}

void BpeModel::ResolveUnknown(std::string_view word, size_t begin,
                              std::vector<Subword>* out) const {
  const auto is_unknown = [this](const Subword& s) {
    return s.id >= vocabulary_.size();
  };
  const auto first = out->begin() + static_cast<ptrdiff_t>(begin);
  if (std::none_of(first, out->end(), is_unknown)) return;
  const std::vector<Subword> symbols(first, out->end());
  out->resize(begin);
  const auto has_byte = [this](char c) {
    return byte_ids_[static_cast<unsigned char>(c)] >= 0;
  };
  bool after_unknown = false;
  for (const Subword& symbol : symbols) {
    const bool unknown = is_unknown(symbol);
    const std::string_view bytes =
        word.substr(symbol.begin, symbol.end - symbol.begin);
    const bool spelled = unknown && options_.byte_fallback &&
                         std::all_of(bytes.begin(), bytes.end(), has_byte);
    if (!unknown) {
      out->push_back(symbol);
    } else if (spelled) {
      for (char c : bytes) {
        out->push_back({byte_ids_[static_cast<unsigned char>(c)], symbol.begin,
                        symbol.end});
      }
    } else if (after_unknown) {
      out->back().end = symbol.end;
    } else {
      out->push_back({*unk_id_, symbol.begin, symbol.end});
    }
    after_unknown = unknown && !spelled;
  }
}

}  // namespace sft::text
