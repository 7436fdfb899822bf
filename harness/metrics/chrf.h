// chrF2 and chrF2++ (Popovic, 2015 and 2017) as sacreBLEU computes them:
// character n-grams to 6 of the text without white space, in chrF++ also words
// and pairs of words, with a mark of punctuation at a word's end (or else its
// beginning) as a word of its own; beta 2, effective order; of several
// references the one with the best score counts.
#ifndef HARNESS_METRICS_CHRF_H_
#define HARNESS_METRICS_CHRF_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

// The sums of an item: for each order the n-grams of the hypothesis, of the
// reference, and common ones; orders are characters 1..6, then words 1..2. And
// the value of their totals, 0..100.
inline constexpr int64_t kChrfColumns = 18, kChrfPlusPlusColumns = 24;
double ChrfOfSums(const std::vector<double>& sums);

// 0..100; items are the sentences' own chrF, the value is of summed counts.
absl::StatusOr<MetricScore> Chrf(const std::vector<TextItem>& items,
                                 const TextMetricOptions& options);
absl::StatusOr<MetricScore> ChrfPlusPlus(const std::vector<TextItem>& items,
                                         const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_CHRF_H_
