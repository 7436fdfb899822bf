// See unigram.h.
#include "harness/text/unigram.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json_fields.h"

namespace sft::text {
namespace {

constexpr size_t kKeptBytes = 1 << 16;
constexpr double kUnknownPenalty = 10.0;  // below the lowest score

// The best way to cut a text's beginning.
struct Best {
  double score = 0;
  size_t begin = std::string_view::npos;  // of its last piece; npos = no way
  int32_t id = 0;
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
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& piece = *vocabulary.Token(id);
    if (vocabulary.Id(piece) != id) {
      return InputError(file,
                        absl::StrCat("\"vocab\" has \"", piece, "\" twice"));
    }
  }
  SFT_ASSIGN_OR_RETURN(const int64_t unk,
                       formats::IntField(config, "unk_id", -1, file));
  if (unk < 0 || unk >= vocabulary.size()) {
    return InputError(file, absl::StrCat("unk_id ", unk, " is none of ",
                                         vocabulary.size(), " pieces"));
  }
  UnigramOptions options;
  options.unk_id = static_cast<int32_t>(unk);
  SFT_ASSIGN_OR_RETURN(
      options.byte_fallback,
      formats::BoolField(config, "byte_fallback", false, file));
  const double lowest = *std::min_element(scores.begin(), scores.end());
  return Make(std::move(vocabulary), std::move(scores),
              lowest - kUnknownPenalty, {}, options);
}

std::unique_ptr<UnigramModel> UnigramModel::Make(Vocabulary vocabulary,
                                                 std::vector<double> scores,
                                                 double unk_score,
                                                 const std::vector<bool>& found,
                                                 UnigramOptions options) {
  std::unique_ptr<UnigramModel> model(
      new UnigramModel(std::move(vocabulary), options));
  const Vocabulary& known = model->vocabulary_;
  std::vector<ByteTrie::Entry> entries;
  for (int32_t id = 0; id < known.size(); ++id) {
    if (!found.empty() && !found[static_cast<size_t>(id)]) continue;
    if (const std::string* token = known.Token(id); !token->empty()) {
      entries.emplace_back(*token, id);
    }
  }
  model->trie_ = ByteTrie(std::move(entries));
  model->scores_ = std::move(scores);
  model->unk_score_ = unk_score;
  for (int byte = 0; options.byte_fallback && byte < 256; ++byte) {
    model->byte_ids_.push_back(
        known.Id(absl::StrFormat("<0x%02X>", byte)).value_or(-1));
  }
  return model;
}

void UnigramModel::AddUnknown(std::string_view word, size_t begin, size_t end,
                              std::vector<Subword>* out) const {
  const auto from = static_cast<uint32_t>(begin);
  const auto to = static_cast<uint32_t>(end);
  const std::string_view piece = word.substr(begin, end - begin);
  if (!options_.as_sentencepiece) {
    if (const std::optional<int32_t> id = vocabulary_.Id(piece)) {
      out->push_back({*id, from, to});
      return;
    }
  }
  const auto id_of = [&](char c) {
    return byte_ids_[static_cast<unsigned char>(c)];
  };
  const bool spelled =
      !byte_ids_.empty() && std::all_of(piece.begin(), piece.end(),
                                        [&](char c) { return id_of(c) >= 0; });
  if (!spelled) {
    out->push_back({options_.unk_id, from, to});
    return;
  }
  for (size_t at = 0; at < piece.size();) {
    // There a byte covers its own character.
    const size_t size = options_.as_sentencepiece
                            ? DecodeUtf8At(piece, at).size_bytes
                            : piece.size();
    const auto first = static_cast<uint32_t>(begin + at);
    for (size_t i = at; i < at + size; ++i) {
      out->push_back(
          {id_of(piece[i]), first, first + static_cast<uint32_t>(size)});
    }
    at += size;
  }
}

void UnigramModel::Cut(std::string_view word, std::vector<Subword>* out) const {
  const bool single = options_.as_sentencepiece;
  const int32_t unk = options_.unk_id;
  thread_local std::vector<Best> kept;
  std::vector<Best> large;
  // By the byte where it ends.
  std::vector<Best>& best = word.size() <= kKeptBytes ? kept : large;
  best.assign(word.size() + 1, Best());
  const auto offer = [single](Best& end, double sum, size_t from,
                              int32_t piece) {
    const double score = single ? static_cast<float>(sum) : sum;
    if (end.begin != std::string_view::npos && score <= end.score) return;
    end = {score, from, piece};
  };
  for (size_t at = 0; at < word.size();) {
    const size_t char_size = DecodeUtf8At(word, at).size_bytes;
    const double here = best[at].score;
    bool covered = false;
    trie_.ForEachPrefix(word.substr(at), [&](int32_t id, size_t size) {
      offer(best[at + size], here + scores_[static_cast<size_t>(id)], at, id);
      covered = covered || size == char_size;
    });
    if (!covered) offer(best[at + char_size], here + unk_score_, at, unk);
    at += char_size;
  }
  const size_t first = out->size();
  // Last first; a run of unknown characters is one, to be looked at below.
  for (size_t end = word.size(); end > 0;) {
    const int32_t id = best[end].id;
    size_t begin = best[end].begin;
    while (id == unk && begin > 0 && best[begin].id == unk) {
      begin = best[begin].begin;
    }
    out->push_back(
        {id, static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
    end = begin;
  }
  std::reverse(out->begin() + static_cast<ptrdiff_t>(first), out->end());
  const auto is_unknown = [unk](const Subword& s) { return s.id == unk; };
  if (std::none_of(out->begin() + static_cast<ptrdiff_t>(first), out->end(),
                   is_unknown)) {
    return;
  }
  const std::vector<Subword> pieces(
      out->begin() + static_cast<ptrdiff_t>(first), out->end());
  out->resize(first);
  for (const Subword& piece : pieces) {
    if (is_unknown(piece)) {
      AddUnknown(word, piece.begin, piece.end, out);
    } else {
      out->push_back(piece);
    }
  }
}

void UnigramModel::Encode(std::string_view word,
                          std::vector<Subword>* out) const {
  if (cache_.Find(word, out)) return;
  const size_t first = out->size();
  Cut(word, out);
  cache_.Add(word, out->data() + first, out->data() + out->size());
}

void UnigramModel::AddToDigest(Sha256* digest) const {
  digest->UpdateField("Unigram");
  for (double score : scores_) {
    digest->UpdateField(absl::StrFormat("%.17g", score));
  }
  digest->UpdateField(absl::StrCat(
      options_.unk_id, options_.byte_fallback ? " byte_fallback" : "",
      options_.as_sentencepiece ? " sentencepiece" : ""));
}

}  // namespace sft::text
