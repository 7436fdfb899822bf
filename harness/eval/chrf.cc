#include "harness/eval/chrf.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "harness/core/metric_sums.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/eval/unicode_text.h"

namespace sft {
namespace {

constexpr int kOrder = 6;
constexpr double kBetaSquared = 4;
constexpr char kVersion[] = "2.6.0";  // of the sacreBLEU it is equal to

using Counts = std::array<std::map<std::string, int64_t>, kOrder>;
struct Matches {
  int64_t hypothesis = 0, reference = 0, both = 0;
};
using Statistics = std::array<Matches, kOrder>;

Counts CountNgrams(const std::string& text) {
  std::string joined;
  for (const std::string& word : SplitText(text)) joined += word;
  std::vector<size_t> starts;
  for (size_t at = 0; at < joined.size();
       at += DecodeUtf8At(joined, at).size_bytes) {
    starts.push_back(at);
  }
  starts.push_back(joined.size());
  const size_t length = starts.size() - 1;
  Counts counts;
  for (size_t begin = 0; begin < length; ++begin) {
    for (size_t n = 1; n <= kOrder && begin + n <= length; ++n) {
      ++counts[n - 1]
              [joined.substr(starts[begin], starts[begin + n] - starts[begin])];
    }
  }
  return counts;
}

double Score(const Statistics& statistics) {
  double precision = 0, recall = 0;
  int order = 0;
  for (const Matches& m : statistics) {
    if (m.hypothesis == 0 || m.reference == 0) continue;
    const auto both = static_cast<double>(m.both);
    precision += both / static_cast<double>(m.hypothesis);
    recall += both / static_cast<double>(m.reference);
    ++order;
  }
  if (order == 0 || precision + recall == 0) return 0;
  precision /= order;
  recall /= order;
  return 100 * (1 + kBetaSquared) * precision * recall /
         (kBetaSquared * precision + recall);
}

Statistics Match(const Counts& hypothesis, const Counts& reference) {
  Statistics statistics;
  for (int n = 0; n < kOrder; ++n) {
    Matches& m = statistics[n];
    for (const auto& [ngram, count] : reference[n]) m.reference += count;
    // Where the reference has no n-gram, none is counted.
    if (m.reference == 0) continue;
    for (const auto& [ngram, count] : hypothesis[n]) {
      m.hypothesis += count;
      const auto found = reference[n].find(ngram);
      if (found != reference[n].end()) m.both += std::min(count, found->second);
    }
  }
  return statistics;
}

}  // namespace

absl::StatusOr<TextScore> Chrf(const std::vector<TextItem>& items,
                               const TextMetricOptions& options) {
  auto prepare = [&options](const std::string& text) {
    return CountNgrams(options.lowercase ? LowerText(text) : text);
  };
  TextScore score;
  score.sum_columns = SumColumns("chrf");
  Statistics corpus;
  for (const TextItem& item : items) {
    const Counts hypothesis = prepare(item.hypothesis);
    Statistics best;
    double best_score = -1;
    for (const std::string& reference : item.references) {
      const Statistics s = Match(hypothesis, prepare(reference));
      if (Score(s) > best_score) {
        best_score = Score(s);
        best = s;
      }
    }
    score.items.push_back(std::max(best_score, 0.0));
    for (int n = 0; n < kOrder; ++n) {
      corpus[n].hypothesis += best[n].hypothesis;
      corpus[n].reference += best[n].reference;
      corpus[n].both += best[n].both;
      for (int64_t count :
           {best[n].hypothesis, best[n].reference, best[n].both}) {
        score.sums.push_back(static_cast<double>(count));
      }
    }
  }
  score.value = Score(corpus);
  score.signature =
      absl::StrCat("nrefs:", ReferenceCount(items),
                   "|case:", options.lowercase ? "lc" : "mixed",
                   "|eff:yes|nc:6|nw:0|space:no|version:", kVersion);
  return score;
}

}  // namespace sft
