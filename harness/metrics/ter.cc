#include "harness/metrics/ter.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "harness/core/status.h"
#include "harness/metrics/sums.h"
#include "harness/metrics/unicode_text.h"

namespace sft::metrics {
namespace {

constexpr char kTerVersion[] = "2.6.0";  // of the sacreBLEU it is equal to
// Limits of Tercom's search, and the last one of sacreBLEU's.
constexpr int64_t kMaxShiftWords = 10;
constexpr int64_t kMaxShiftDistance = 50;
constexpr int64_t kBeamWidth = 25;
constexpr int64_t kMaxShiftsTried = 1000;
constexpr int64_t kFar = int64_t{1} << 50;

using WordIds = std::vector<int32_t>;
enum class Edit : uint8_t { kNone, kKeep, kReplace, kInsert, kDelete };

// Edit distances from the beginnings of a hypothesis (rows) to those of the
// reference, near the diagonal. Rows that two hypotheses of one length have in
// common are kept.
class EditDistance {
 public:
  explicit EditDistance(const WordIds& reference) : reference_(reference) {}

  int64_t To(const WordIds& words) {
    const auto same =
        std::mismatch(words_.begin(), words_.end(), words.begin(), words.end());
    const auto kept = static_cast<size_t>(same.first - words_.begin());
    words_ = words;
    const size_t columns = reference_.size() + 1;
    cost_.resize((words.size() + 1) * columns, kFar);
    edit_.resize((words.size() + 1) * columns, Edit::kNone);
    for (size_t j = 0; j < columns; ++j) {
      cost_[j] = static_cast<int64_t>(j);
      edit_[j] = Edit::kInsert;
    }
    for (size_t i = kept + 1; i <= words.size(); ++i) FillRow(i);
    return cost_.back();
  }

  // The edits that turn the last hypothesis into the reference.
  std::vector<Edit> Path() const {
    std::vector<Edit> path;
    size_t i = words_.size(), j = reference_.size();
    while (i > 0 || j > 0) {
      const Edit edit = edit_[i * (reference_.size() + 1) + j];
      path.push_back(edit);
      if (edit == Edit::kNone) break;  // no path within the beam
      if (edit != Edit::kInsert) --i;
      if (edit != Edit::kDelete) --j;
    }
    std::reverse(path.begin(), path.end());
    return path;
  }

 private:
  void FillRow(size_t i) {
    const auto wanted = static_cast<int64_t>(reference_.size());
    const double ratio =
        static_cast<double>(wanted) / static_cast<double>(words_.size());
    // A much longer reference would have rows that do not touch.
    const int64_t beam =
        kBeamWidth < ratio / 2
            ? static_cast<int64_t>(std::ceil(ratio / 2 + kBeamWidth))
            : kBeamWidth;
    const auto diagonal =
        static_cast<int64_t>(std::floor(static_cast<double>(i) * ratio));
    const int64_t begin = std::max<int64_t>(0, diagonal - beam);
    const int64_t end =
        i == words_.size() ? wanted + 1 : std::min(wanted + 1, diagonal + beam);
    int64_t* row = cost_.data() + i * (wanted + 1);
    Edit* edits = edit_.data() + i * (wanted + 1);
    const int64_t* above = row - (wanted + 1);
    std::fill(row, row + wanted + 1, kFar);
    std::fill(edits, edits + wanted + 1, Edit::kNone);
    for (int64_t j = begin; j < end; ++j) {
      if (j == 0) {
        row[0] = above[0] + 1;
        edits[0] = Edit::kDelete;
        continue;
      }
      const bool same = words_[i - 1] == reference_[j - 1];
      // The first of equals.
      for (const auto& [cost, edit] :
           {std::pair(above[j - 1] + (same ? 0 : 1),
                      same ? Edit::kKeep : Edit::kReplace),
            std::pair(above[j] + 1, Edit::kDelete),
            std::pair(row[j - 1] + 1, Edit::kInsert)}) {
        if (row[j] <= cost) continue;
        row[j] = cost;
        edits[j] = edit;
      }
    }
  }

  const WordIds& reference_;
  WordIds words_;
  std::vector<int64_t> cost_;
  std::vector<Edit> edit_;
};

// Where each word of the reference stands in the hypothesis (or behind which
// word it is missing), and which words of both are wrong.
struct Alignment {
  std::vector<int64_t> at;
  std::vector<char> reference_wrong, hypothesis_wrong;
};

Alignment AlignmentOf(const std::vector<Edit>& path) {
  Alignment to;
  int64_t word = -1;
  for (const Edit edit : path) {
    if (edit == Edit::kNone) continue;
    const bool wrong = edit != Edit::kKeep;
    if (edit != Edit::kInsert) {
      ++word;
      to.hypothesis_wrong.push_back(wrong);
    }
    if (edit != Edit::kDelete) {
      to.at.push_back(word);
      to.reference_wrong.push_back(wrong);
    }
  }
  return to;
}

bool AnyWrong(const std::vector<char>& wrong, int64_t begin, int64_t length) {
  return std::any_of(wrong.begin() + begin, wrong.begin() + begin + length,
                     [](char one) { return one != 0; });
}

// The block of `length` words from `begin` on, put before word `target`; a
// target within the block counts on behind it.
WordIds Shifted(const WordIds& words, int64_t begin, int64_t length,
                int64_t target) {
  WordIds out = words;
  const auto at = [&out](int64_t i) { return out.begin() + i; };
  if (target < begin) {
    std::rotate(at(target), at(begin), at(begin + length));
  } else if (target > begin + length) {
    std::rotate(at(begin), at(begin + length), at(target));
  } else {
    const int64_t end = std::min(std::ssize(out), length + target);
    std::rotate(at(begin), at(begin + length), at(end));
  }
  return out;
}

class ShiftSearch {
 public:
  ShiftSearch(WordIds words, const WordIds& reference)
      : words_(std::move(words)), reference_(reference), distance_(reference) {}

  int64_t Edits() {
    int64_t shifts = 0;
    while (Improve()) ++shifts;
    return shifts + distance_.To(words_);
  }

 private:
  // Takes the shift that saves most; false if none saves anything, or too many
  // were tried.
  bool Improve() {
    before_ = distance_.To(words_);
    alignment_ = AlignmentOf(distance_.Path());
    best_ = {};
    const int64_t words = std::ssize(words_);
    for (int64_t begin = 0; begin < words && tried_ < kMaxShiftsTried;
         ++begin) {
      TryBlocksFrom(begin);
    }
    if (tried_ >= kMaxShiftsTried || std::get<0>(best_) <= 0) return false;
    const auto [saved, length, minus_begin, minus_target] = best_;
    words_ = Shifted(words_, -minus_begin, length, -minus_target);
    return true;
  }

  void TryBlocksFrom(int64_t begin) {
    const int64_t words = std::ssize(words_), wanted = std::ssize(reference_);
    for (int64_t to = 0; to < wanted; ++to) {
      if (std::abs(to - begin) > kMaxShiftDistance) continue;
      for (int64_t length = 1; length <= kMaxShiftWords; ++length) {
        if (begin + length > words || to + length > wanted ||
            words_[begin + length - 1] != reference_[to + length - 1]) {
          break;
        }
        TryBlock(begin, to, length);
        if (tried_ >= kMaxShiftsTried) return;
      }
    }
  }

  void TryBlock(int64_t begin, int64_t to, int64_t length) {
    // Only what is wrong is moved, to where something is wrong, and not into
    // itself.
    if (!AnyWrong(alignment_.hypothesis_wrong, begin, length) ||
        !AnyWrong(alignment_.reference_wrong, to, length) ||
        (begin <= alignment_.at[to] && alignment_.at[to] < begin + length)) {
      return;
    }
    int64_t last = -1;
    for (int64_t offset = -1; offset < length; ++offset) {
      const int64_t before = to + offset;
      if (before >= std::ssize(alignment_.at)) break;
      const int64_t target = before < 0 ? 0 : alignment_.at[before] + 1;
      if (target == last) continue;
      last = target;
      const int64_t saved =
          before_ - distance_.To(Shifted(words_, begin, length, target));
      // Of equals the longest block, then the earliest, to the earliest place.
      const Candidate candidate = {saved, length, -begin, -target};
      ++tried_;
      best_ = std::max(best_, candidate);
    }
  }

  using Candidate = std::tuple<int64_t, int64_t, int64_t, int64_t>;

  WordIds words_;
  const WordIds& reference_;
  EditDistance distance_;
  int64_t before_ = 0, tried_ = 0;
  Alignment alignment_;
  Candidate best_;  // one that saves nothing stands for none
};

std::vector<std::string> TerWords(const std::string& text,
                                  const TextMetricOptions& options) {
  return SplitText(options.case_sensitive ? text : LowerText(text));
}

}  // namespace

int64_t TerEdits(const std::vector<std::string>& hypothesis,
                 const std::vector<std::string>& reference) {
  if (reference.empty()) return std::ssize(hypothesis);
  if (hypothesis.empty()) return std::ssize(reference);
  std::map<std::string, int32_t> ids;
  const auto number = [&ids](const std::vector<std::string>& words) {
    WordIds out;
    for (const std::string& word : words) {
      out.push_back(
          ids.emplace(word, static_cast<int32_t>(ids.size())).first->second);
    }
    return out;
  };
  const WordIds wanted = number(reference);
  return ShiftSearch(number(hypothesis), wanted).Edits();
}

double TerOfSums(const std::vector<double>& s) {
  if (s[1] > 0) return 100 * s[0] / s[1];
  return s[0] > 0 ? 100.0 : 0.0;
}

absl::StatusOr<MetricScore> Ter(const std::vector<TextItem>& items,
                                const TextMetricOptions& options) {
  MetricScore score;
  for (const TextItem& item : items) {
    const std::vector<std::string> hypothesis =
        TerWords(item.hypothesis, options);
    int64_t fewest = kFar, words = 0;
    for (const std::string& reference : item.references) {
      const std::vector<std::string> wanted = TerWords(reference, options);
      fewest = std::min(fewest, TerEdits(hypothesis, wanted));
      words += std::ssize(wanted);
    }
    const std::vector<double> sums = {
        static_cast<double>(fewest),
        static_cast<double>(words) /
            static_cast<double>(item.references.size())};
    score.items.push_back(TerOfSums(sums));
    score.sums.insert(score.sums.end(), sums.begin(), sums.end());
  }
  score.value = TerOfSums(TotalSums(score.sums, kTerColumns));
  score.signature = absl::StrCat(
      "nrefs:", ReferenceCount(items),
      "|case:", options.case_sensitive ? "mixed" : "lc",
      "|tok:tercom|norm:no|punct:yes|asian:no|version:", kTerVersion);
  return score;
}

}  // namespace sft::metrics
