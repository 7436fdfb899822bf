// See bpe.h. Unknown characters: `tokenizers` 0.23, models/bpe/model.rs.
#include "harness/text/bpe.h"

#include <algorithm>
#include <queue>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json_fields.h"

namespace sft::text {
namespace {

constexpr size_t kMaxMerges = size_t{1} << 24;
constexpr size_t kNone = SIZE_MAX;

struct Candidate {
  uint32_t rank;
  size_t left;  // index of the left symbol
  int32_t left_id, right_id;
  int32_t merged_id;
  // For a min-heap: lowest rank first, then leftmost.
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

absl::StatusOr<std::vector<BpeModel::Merge>> ParseMerges(
    const nlohmann::json& list, const std::string& file) {
  std::vector<BpeModel::Merge> merges;
  merges.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    const nlohmann::json& item = list[i];
    const auto bad = [&] {
      return InputError(
          file, absl::StrFormat("merge %d is neither \"left right\" nor "
                                "[\"left\", \"right\"]",
                                i));
    };
    if (item.is_string()) {
      const auto& text = item.get_ref<const std::string&>();
      const size_t space = text.find(' ');
      if (space == std::string::npos ||
          text.find(' ', space + 1) != std::string::npos) {
        return bad();
      }
      merges.emplace_back(text.substr(0, space), text.substr(space + 1));
    } else if (item.is_array() && item.size() == 2 && item[0].is_string() &&
               item[1].is_string()) {
      merges.emplace_back(item[0].get<std::string>(),
                          item[1].get<std::string>());
    } else {
      return bad();
    }
  }
  return merges;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BpeModel>> BpeModel::Parse(
    const nlohmann::json& config, const std::string& file) {
  BpeOptions options;
  const nlohmann::json* unk = formats::FindField(config, "unk_token");
  if (unk != nullptr) {
    SFT_ASSIGN_OR_RETURN(options.unk_token,
                         formats::StringField(config, "unk_token", "", file));
  }
  SFT_ASSIGN_OR_RETURN(
      options.continuing_subword_prefix,
      formats::StringField(config, "continuing_subword_prefix", "", file));
  SFT_ASSIGN_OR_RETURN(
      options.end_of_word_suffix,
      formats::StringField(config, "end_of_word_suffix", "", file));
  SFT_ASSIGN_OR_RETURN(options.fuse_unk,
                       formats::BoolField(config, "fuse_unk", false, file));
  SFT_ASSIGN_OR_RETURN(
      options.byte_fallback,
      formats::BoolField(config, "byte_fallback", false, file));
  SFT_ASSIGN_OR_RETURN(
      options.ignore_merges,
      formats::BoolField(config, "ignore_merges", false, file));
  const nlohmann::json* dropout = formats::FindField(config, "dropout");
  if (dropout != nullptr && *dropout != 0.0) {
    return InputError(file, "BPE dropout is not supported: ids must repeat");
  }
  SFT_ASSIGN_OR_RETURN(const nlohmann::json* list,
                       formats::ArrayField(config, "merges", file));
  if (list->size() > kMaxMerges) {
    return InputError(file, "more than 2^24 merges");
  }
  const nlohmann::json* vocab = formats::FindField(config, "vocab");
  SFT_ASSIGN_OR_RETURN(
      Vocabulary vocabulary,
      Vocabulary::FromJson(vocab ? *vocab : nlohmann::json(), file));
  SFT_ASSIGN_OR_RETURN(const std::vector<Merge> merges,
                       ParseMerges(*list, file));
  return Make(std::move(vocabulary), merges, std::move(options), file);
}

absl::StatusOr<std::unique_ptr<BpeModel>> BpeModel::Make(
    Vocabulary vocabulary, const std::vector<Merge>& merges, BpeOptions options,
    const std::string& file) {
  std::unique_ptr<BpeModel> model(
      new BpeModel(std::move(vocabulary), std::move(options)));
  const Vocabulary& vocab = model->vocabulary_;
  const std::string& prefix = model->options_.continuing_subword_prefix;
  model->merges_.reserve(merges.size());
  for (size_t i = 0; i < merges.size(); ++i) {
    const auto& [left, right] = merges[i];
    const bool prefixed = !prefix.empty() && right.starts_with(prefix);
    const std::string joined =
        left + (prefixed ? right.substr(prefix.size()) : right);
    for (const std::string* token : {&left, &right, &joined}) {
      if (vocab.Id(*token).has_value()) continue;
      return InputError(
          file, absl::StrFormat("merge %d (\"%s\" \"%s\"): \"%s\" is no token "
                                "of the vocabulary",
                                i, left.substr(0, 40), right.substr(0, 40),
                                token->substr(0, 80)));
    }
    model->NoteCrossing(left, right);
    // A repeated pair keeps its last rank, as in the original's hash map.
    model->merges_[PairKey(*vocab.Id(left), *vocab.Id(right))] = {
        static_cast<uint32_t>(i), *vocab.Id(joined)};
  }
  if (model->options_.unk_token.has_value()) {
    model->unk_id_ = vocab.Id(*model->options_.unk_token);
    if (!model->unk_id_.has_value()) {
      return InputError(file,
                        absl::StrCat("unk_token \"", *model->options_.unk_token,
                                     "\" is not in the vocabulary"));
    }
  }
  if (model->options_.byte_fallback) {
    for (int b = 0; b < 256; ++b) {
      const auto id = vocab.Id(absl::StrFormat("<0x%02X>", b));
      model->byte_ids_.push_back(id.value_or(-1));
    }
  }
  model->LearnCuts(vocab.Id(kSpaceSymbol).has_value());
  return model;
}

void BpeModel::AddToDigest(Sha256* digest) const {
  digest->UpdateField("BPE");
  std::vector<std::pair<uint32_t, uint64_t>> ranked;
  ranked.reserve(merges_.size());
  for (const auto& [key, merge] : merges_) ranked.emplace_back(merge.rank, key);
  std::sort(ranked.begin(), ranked.end());
  for (const auto& [rank, key] : ranked) {
    digest->UpdateField(absl::StrCat(key >> 32, " ", key & UINT32_MAX));
  }
  digest->UpdateField(options_.continuing_subword_prefix);
  digest->UpdateField(options_.end_of_word_suffix);
  // The characters that are no tokens; their numbers follow from the pieces.
  if (by_scores_) digest->UpdateField(absl::StrCat("scores ", symbols_.size()));
  digest->UpdateField(absl::StrCat(unk_id_.value_or(-1),
                                   options_.fuse_unk ? " fuse" : "",
                                   options_.byte_fallback ? " bytes" : "",
                                   options_.ignore_merges ? " ignore" : ""));
}

const BpeModel::MergeResult* BpeModel::FindMerge(int32_t left,
                                                 int32_t right) const {
  const auto it = merges_.find(PairKey(left, right));
  return it == merges_.end() ? nullptr : &it->second;
}

void BpeModel::Initials(std::string_view word,
                        std::vector<Subword>* out) const {
  std::optional<Subword> unknown;  // pending
  std::string decorated;
  for (size_t i = 0; i < word.size();) {
    const size_t length = DecodeUtf8At(word, i).size_bytes;
    const size_t end = i + length;
    std::string_view symbol = word.substr(i, length);
    const bool prefixed = i > 0 && !options_.continuing_subword_prefix.empty();
    const bool suffixed =
        end == word.size() && !options_.end_of_word_suffix.empty();
    if (prefixed || suffixed) {
      decorated = prefixed ? options_.continuing_subword_prefix : "";
      decorated += symbol;
      if (suffixed) decorated += options_.end_of_word_suffix;
      symbol = decorated;
    }
    const auto begin32 = static_cast<uint32_t>(i);
    const auto end32 = static_cast<uint32_t>(end);
    i = end;
    if (const std::optional<int32_t> id = vocabulary_.Id(symbol)) {
      if (unknown.has_value()) out->push_back(*unknown);
      unknown.reset();
      out->push_back({*id, begin32, end32});
      continue;
    }
    if (options_.byte_fallback) {
      const auto byte_id = [&](char c) {
        return byte_ids_[static_cast<unsigned char>(c)];
      };
      if (std::all_of(symbol.begin(), symbol.end(),
                      [&](char c) { return byte_id(c) >= 0; })) {
        // Each byte covers the whole character: offsets are of characters.
        for (char c : symbol) out->push_back({byte_id(c), begin32, end32});
        continue;
      }
    }
    if (!unk_id_.has_value()) continue;
    if (unknown.has_value() && options_.fuse_unk) {
      unknown->end = end32;
    } else {
      if (unknown.has_value()) out->push_back(*unknown);
      unknown = Subword{*unk_id_, begin32, end32};
    }
  }
  if (unknown.has_value()) out->push_back(*unknown);
}

void BpeModel::MergeAll(size_t first, std::vector<Subword>* out) const {
  const size_t count = out->size() - first;
  if (count < 2) return;
  Subword* symbols = out->data() + first;
  std::vector<size_t> next(count), previous(count);
  std::vector<Candidate> initial;
  const auto candidate = [&](size_t left, size_t right) {
    const MergeResult* merge = FindMerge(symbols[left].id, symbols[right].id);
    return merge == nullptr ? std::optional<Candidate>()
                            : Candidate{merge->rank, left, symbols[left].id,
                                        symbols[right].id, merge->id};
  };
  for (size_t i = 0; i < count; ++i) {
    next[i] = i + 1 < count ? i + 1 : kNone;
    previous[i] = i > 0 ? i - 1 : kNone;
    if (i + 1 < count) {
      if (const auto c = candidate(i, i + 1)) initial.push_back(*c);
    }
  }
  std::priority_queue<Candidate> heap(std::less<Candidate>(),
                                      std::move(initial));
  while (!heap.empty()) {
    const Candidate top = heap.top();
    heap.pop();
    Subword& left = symbols[top.left];
    const size_t right = next[top.left];
    // Stale: one of the two was merged into something else meanwhile.
    if (left.id != top.left_id || right == kNone ||
        symbols[right].id != top.right_id) {
      continue;
    }
    left.id = top.merged_id;
    left.end = symbols[right].end;
    symbols[right].id = -1;
    next[top.left] = next[right];
    if (next[right] != kNone) previous[next[right]] = top.left;
    if (previous[top.left] != kNone) {
      if (const auto c = candidate(previous[top.left], top.left)) heap.push(*c);
    }
    if (next[top.left] != kNone) {
      if (const auto c = candidate(top.left, next[top.left])) heap.push(*c);
    }
  }
  const auto begin = out->begin() + static_cast<ptrdiff_t>(first);
  out->erase(std::remove_if(begin, out->end(),
                            [](const Subword& s) { return s.id < 0; }),
             out->end());
}

void BpeModel::NoteCrossing(std::string_view left, std::string_view right) {
  if (!right.starts_with(kSpaceSymbol)) return;
  size_t last = left.size() - 1;
  while (last > 0 && (left[last] & 0xC0) == 0x80) --last;
  before_space_.insert(DecodeUtf8At(left, last).code_point);
}

void BpeModel::LearnCuts(bool knows_space) {
  // What stands at a word's ends is decorated, and so are the cut's.
  cuts_ = options_.continuing_subword_prefix.empty() &&
          options_.end_of_word_suffix.empty() && knows_space;
}

bool BpeModel::CutsAt(std::string_view word, size_t at) const {
  size_t last = at - 1;
  while (last > 0 && (word[last] & 0xC0) == 0x80) --last;
  return !before_space_.contains(DecodeUtf8At(word, last).code_point);
}

void BpeModel::EncodeChunk(std::string_view word, size_t begin, size_t end,
                           std::vector<Subword>* out) const {
  const std::string_view chunk = word.substr(begin, end - begin);
  const size_t first = out->size();
  if (!cache_.Find(chunk, out)) {
    if (by_scores_) {
      InitialsByScores(chunk, out);
    } else {
      Initials(chunk, out);
    }
    MergeAll(first, out);
    if (by_scores_) ResolveUnknown(chunk, first, out);
    cache_.Add(chunk, out->data() + first, out->data() + out->size());
  }
  if (begin == 0) return;
  for (size_t i = first; i < out->size(); ++i) {
    (*out)[i].begin += static_cast<uint32_t>(begin);
    (*out)[i].end += static_cast<uint32_t>(begin);
  }
}

void BpeModel::EncodePlain(std::string_view word, size_t begin, size_t end,
                           std::vector<Subword>* out) const {
  size_t done = begin;
  if (cuts_) {
    for (size_t at = word.find(kSpaceSymbol, begin + 1); at < end;
         at = word.find(kSpaceSymbol, at + kSpaceSymbol.size())) {
      if (!CutsAt(word, at)) continue;
      EncodeChunk(word, done, at, out);
      done = at;
    }
  }
  if (done < end) EncodeChunk(word, done, end, out);
}

void BpeModel::Encode(std::string_view word, std::vector<Subword>* out) const {
  if (options_.ignore_merges) {
    if (const std::optional<int32_t> id = vocabulary_.Id(word)) {
      out->push_back({*id, 0, static_cast<uint32_t>(word.size())});
      return;
    }
  }
  size_t done = 0;
  for (size_t at = 0; !whole_.empty() && at < word.size();) {
    const auto match = whole_.Longest(word.substr(at));
    if (!match.has_value()) {
      at += DecodeUtf8At(word, at).size_bytes;
      continue;
    }
    const size_t end = at + match->second;
    EncodePlain(word, done, at, out);
    out->push_back(
        {match->first, static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
    at = done = end;
  }
  EncodePlain(word, done, word.size(), out);
}

}  // namespace sft::text
