#include "harness/metrics/chrf.h"

#include <algorithm>
#include <array>
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

constexpr int kChrfOrder = 6;
constexpr double kBeta = 2;
constexpr char kChrfVersion[] = "2.6.0";  // of the sacreBLEU it is equal to

using ChrfCounts = std::array<std::map<std::string, int64_t>, kChrfOrder>;

ChrfCounts CountNgrams(const std::string& text) {
  std::string joined;
  for (const std::string& word : SplitText(text)) joined += word;
  std::vector<size_t> starts;
  for (size_t at = 0; at < joined.size();
       at += DecodeUtf8At(joined, at).size_bytes) {
    starts.push_back(at);
  }
  starts.push_back(joined.size());
  const size_t length = starts.size() - 1;
  ChrfCounts counts;
  for (size_t begin = 0; begin < length; ++begin) {
    for (size_t n = 1; n <= kChrfOrder && begin + n <= length; ++n) {
      ++counts[n - 1]
              [joined.substr(starts[begin], starts[begin + n] - starts[begin])];
    }
  }
  return counts;
}

// The sums of an item.
std::vector<double> Match(const ChrfCounts& hypothesis,
                          const ChrfCounts& reference) {
  std::vector<double> sums;
  for (int n = 0; n < kChrfOrder; ++n) {
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

}  // namespace

double ChrfOfSums(const std::vector<double>& s) {
  double precision = 0, recall = 0;
  int orders = 0;
  for (int n = 0; n < kChrfOrder; ++n) {
    const double made = s[3 * n], wanted = s[3 * n + 1], both = s[3 * n + 2];
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
  auto prepare = [&options](const std::string& text) {
    return CountNgrams(options.lowercase ? LowerText(text) : text);
  };
  MetricScore score;
  for (const TextItem& item : items) {
    const ChrfCounts hypothesis = prepare(item.hypothesis);
    std::vector<double> best(kChrfColumns, 0.0);
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
  score.value = ChrfOfSums(TotalSums(score.sums, kChrfColumns));
  score.signature =
      absl::StrCat("nrefs:", ReferenceCount(items),
                   "|case:", options.lowercase ? "lc" : "mixed",
                   "|eff:yes|nc:6|nw:0|space:no|version:", kChrfVersion);
  return score;
}

}  // namespace sft::metrics
