// See unigram.h.
#include "harness/text/unigram.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "absl/strings/str_format.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json_fields.h"

namespace sft::text {
namespace {

constexpr double kUnknownPenalty = 10.0;  // below the lowest score

// The best way to cut a text's beginning.
struct Best {
  double score = 0;
  size_t begin = std::string_view::npos;  // of its last piece; npos = no way
  int32_t id = 0;

  void Offer(double candidate, size_t from, int32_t piece) {
    if (begin != std::string_view::npos && candidate <= score) return;
    *this = {candidate, from, piece};
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<UnigramModel>> UnigramModel::Parse(
    const nlohmann::json& config, const std::string& file) {
  SFT_ASSIGN_OR_RETURN(const nlohmann::json* list,
                       formats::ArrayField(config, "vocab", file));
  std::vector<std::string> pieces;
  std::vector<double> scores;
  for (const nlohmann::json& item : *list) {
    if (!item.is_array() || item.size() != 2 || !item[0].is_string() ||
        !item[1].is_number()) {
      return InputError(file,
                        absl::StrCat("piece ", pieces.size(),
                                     " of \"vocab\" is no [text, score]"));
    }
    pieces.push_back(item[0].get<std::string>());
    scores.push_back(item[1].get<double>());
  }
  SFT_ASSIGN_OR_RETURN(Vocabulary vocabulary,
                       Vocabulary::FromTokens(std::move(pieces), file));
  std::unique_ptr<UnigramModel> model(new UnigramModel(std::move(vocabulary)));
  const Vocabulary& known = model->vocabulary_;
  for (int32_t id = 0; id < known.size(); ++id) {
    const std::string& piece = *known.Token(id);
    if (known.Id(piece) != id) {
      return InputError(file,
                        absl::StrCat("\"vocab\" has \"", piece, "\" twice"));
    }
  }
  SFT_ASSIGN_OR_RETURN(const int64_t unk,
                       formats::IntField(config, "unk_id", -1, file));
  if (unk < 0 || unk >= known.size()) {
    return InputError(file, absl::StrCat("unk_id ", unk, " is none of ",
                                         known.size(), " pieces"));
  }
  model->unk_id_ = static_cast<int32_t>(unk);
  model->unk_score_ =
      *std::min_element(scores.begin(), scores.end()) - kUnknownPenalty;
  model->scores_ = std::move(scores);
  model->sorted_.resize(known.size());
  std::iota(model->sorted_.begin(), model->sorted_.end(), 0);
  std::sort(
      model->sorted_.begin(), model->sorted_.end(),
      [&](int32_t a, int32_t b) { return *known.Token(a) < *known.Token(b); });
  SFT_ASSIGN_OR_RETURN(
      const bool byte_fallback,
      formats::BoolField(config, "byte_fallback", false, file));
  for (int byte = 0; byte_fallback && byte < 256; ++byte) {
    model->byte_ids_.push_back(
        known.Id(absl::StrFormat("<0x%02X>", byte)).value_or(-1));
  }
  return model;
}

template <class Visit>
void UnigramModel::ForEachPrefix(std::string_view text, Visit visit) const {
  auto begin = sorted_.begin(), end = sorted_.end();
  for (size_t size = 0; size < text.size(); ++size) {
    // Every piece of [begin, end) starts with text[0, size). The one that ends
    // there stands first.
    if (begin != end && vocabulary_.Token(*begin)->size() == size) ++begin;
    const auto byte_at = [&](int32_t id) {
      return static_cast<unsigned char>((*vocabulary_.Token(id))[size]);
    };
    const auto wanted = static_cast<unsigned char>(text[size]);
    begin = std::partition_point(
        begin, end, [&](int32_t id) { return byte_at(id) < wanted; });
    end = std::partition_point(
        begin, end, [&](int32_t id) { return byte_at(id) == wanted; });
    if (begin == end) return;
    if (vocabulary_.Token(*begin)->size() == size + 1) visit(*begin, size + 1);
  }
}

void UnigramModel::AddPiece(std::string_view word, size_t begin, size_t end,
                            std::vector<Subword>* out) const {
  const auto from = static_cast<uint32_t>(begin);
  const auto to = static_cast<uint32_t>(end);
  const std::string_view piece = word.substr(begin, end - begin);
  if (const std::optional<int32_t> id = vocabulary_.Id(piece)) {
    out->push_back({*id, from, to});
    return;
  }
  const auto id_of = [&](char c) {
    return byte_ids_[static_cast<unsigned char>(c)];
  };
  const bool spelled =
      !byte_ids_.empty() && std::all_of(piece.begin(), piece.end(),
                                        [&](char c) { return id_of(c) >= 0; });
  if (!spelled) {
    out->push_back({unk_id_, from, to});
    return;
  }
  for (char c : piece) out->push_back({id_of(c), from, to});
}

void UnigramModel::Encode(std::string_view word,
                          std::vector<Subword>* out) const {
  std::vector<Best> best(word.size() + 1);  // by the byte where it ends
  for (size_t at = 0; at < word.size();) {
    const size_t char_size = DecodeUtf8At(word, at).size_bytes;
    const double here = best[at].score;
    bool single = false;
    ForEachPrefix(word.substr(at), [&](int32_t id, size_t size) {
      best[at + size].Offer(here + scores_[id], at, id);
      single = single || size == char_size;
    });
    if (!single) best[at + char_size].Offer(here + unk_score_, at, unk_id_);
    at += char_size;
  }
  std::vector<std::pair<size_t, size_t>> pieces;  // last first
  for (size_t end = word.size(); end > 0;) {
    const size_t stop = end;
    size_t begin = best[end].begin;
    if (best[end].id == unk_id_) {
      while (begin > 0 && best[begin].id == unk_id_) begin = best[begin].begin;
    }
    pieces.emplace_back(begin, stop);
    end = begin;
  }
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    AddPiece(word, piece->first, piece->second, out);
  }
}

void UnigramModel::AddToDigest(Sha256* digest) const {
  digest->UpdateField("Unigram");
  for (double score : scores_) {
    digest->UpdateField(absl::StrFormat("%.17g", score));
  }
  digest->UpdateField(
      absl::StrCat(unk_id_, byte_ids_.empty() ? "" : " byte_fallback"));
}

}  // namespace sft::text
