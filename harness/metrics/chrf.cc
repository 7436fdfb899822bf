#include "harness/metrics/chrf.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/metrics/sums.h"
#include "harness/metrics/unicode_text.h"

namespace sft::metrics {
namespace {

constexpr int kCharacterOrder = 6;
constexpr double kBeta = 2;
constexpr char kChrfVersion[] = "2.6.0";  // of the sacreBLEU it is equal to

// Of each order: characters, then words.
using ChrfCounts = std::vector<std::map<std::string, int64_t>>;

bool IsMarkByte(char c) {
  return IsAsciiPunctuation(static_cast<unsigned char>(c));
}

std::vector<std::string> ChrfWords(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string& word : SplitText(text)) {
    if (DecodeUtf8At(word, 0).size_bytes == word.size()) {
      words.push_back(word);
    } else if (IsMarkByte(word.back())) {
      words.push_back(word.substr(0, word.size() - 1));
      words.push_back(word.substr(word.size() - 1));
    } else if (IsMarkByte(word[0])) {
      words.push_back(word.substr(0, 1));
      words.push_back(word.substr(1));
    } else {
      words.push_back(word);
    }
  }
  return words;
}

ChrfCounts CountNgrams(const std::string& text, int word_order) {
  std::string joined;
  for (const std::string& word : SplitText(text)) joined += word;
  std::vector<size_t> starts;
  for (size_t at = 0; at < joined.size();
       at += DecodeUtf8At(joined, at).size_bytes) {
    starts.push_back(at);
  }
  starts.push_back(joined.size());
  const size_t length = starts.size() - 1;
  ChrfCounts counts(kCharacterOrder + word_order);
  for (size_t begin = 0; begin < length; ++begin) {
    for (size_t n = 1; n <= kCharacterOrder && begin + n <= length; ++n) {
      ++counts[n - 1]
              [joined.substr(starts[begin], starts[begin + n] - starts[begin])];
    }
  }
  if (word_order == 0) return counts;
  const std::vector<std::string> words = ChrfWords(text);
  for (size_t begin = 0; begin < words.size(); ++begin) {
    std::string ngram;
    for (int n = 0; n < word_order && begin + n < words.size(); ++n) {
      absl::StrAppend(&ngram, n > 0 ? " " : "", words[begin + n]);
      ++counts[kCharacterOrder + n][ngram];
    }
  }
  return counts;
}

// The sums of an item.
std::vector<double> Match(const ChrfCounts& hypothesis,
                          const ChrfCounts& reference) {
  std::vector<double> sums;
  for (size_t n = 0; n < hypothesis.size(); ++n) {
    int64_t made = 0, wanted = 0, both = 0;
    for (const auto& [ngram, count] : reference[n]) wanted += count;
    for (const auto& [ngram, count] : hypothesis[n]) {
      // Where the reference has no n-gram, none is counted.
      if (wanted == 0) break;
      made += count;
      const auto found = reference[n].find(ngram);
      if (found != reference[n].end()) both += std::min(count, found->second);
    }
    for (int64_t count : {made, wanted, both}) {
      sums.push_back(static_cast<double>(count));
    }
  }
  return sums;
}

absl::StatusOr<MetricScore> ScoreChrf(const std::vector<TextItem>& items,
                                      const TextMetricOptions& options,
                                      int word_order) {
  auto prepare = [&options, word_order](const std::string& text) {
    return CountNgrams(options.lowercase ? LowerText(text) : text, word_order);
  };
  const int64_t columns = 3 * (kCharacterOrder + word_order);
  MetricScore score;
  for (const TextItem& item : items) {
    const ChrfCounts hypothesis = prepare(item.hypothesis);
    std::vector<double> best(columns, 0.0);
    double best_score = -1;
    for (const std::string& reference : item.references) {
      std::vector<double> sums = Match(hypothesis, prepare(reference));
      const double value = ChrfOfSums(sums);
      if (value > best_score) {
        best_score = value;
        best = std::move(sums);
      }
    }
    score.items.push_back(std::max(best_score, 0.0));
    score.sums.insert(score.sums.end(), best.begin(), best.end());
  }
  score.value = ChrfOfSums(TotalSums(score.sums, columns));
  score.signature = absl::StrCat("nrefs:", ReferenceCount(items),
                                 "|case:", options.lowercase ? "lc" : "mixed",
                                 "|eff:yes|nc:6|nw:", word_order,
                                 "|space:no|version:", kChrfVersion);
  return score;
}

}  // namespace

double ChrfOfSums(const std::vector<double>& s) {
  double precision = 0, recall = 0;
  int orders = 0;
  for (size_t at = 0; at + 3 <= s.size(); at += 3) {
    const double made = s[at], wanted = s[at + 1], both = s[at + 2];
    if (made <= 0 || wanted <= 0) continue;
    precision += both / made;
    recall += both / wanted;
    ++orders;
  }
  if (orders == 0) return 0.0;
  precision /= orders;
  recall /= orders;
  const double beta2 = kBeta * kBeta;
  const double below = beta2 * precision + recall;
  return below > 0 ? 100 * (1 + beta2) * precision * recall / below : 0.0;
}

absl::StatusOr<MetricScore> Chrf(const std::vector<TextItem>& items,
                                 const TextMetricOptions& options) {
  return ScoreChrf(items, options, 0);
}

absl::StatusOr<MetricScore> ChrfPlusPlus(const std::vector<TextItem>& items,
                                         const TextMetricOptions& options) {
  return ScoreChrf(items, options, 2);
}

}  // namespace sft::metrics
