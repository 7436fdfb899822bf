// chrF2 (Popovic, 2015) as sacreBLEU computes it: character n-grams to 6 of
// the text without white space, no word n-grams, beta 2, effective order; of
// several references the one with the best score counts.
#ifndef HARNESS_METRICS_CHRF_H_
#define HARNESS_METRICS_CHRF_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

// The sums of an item: for n = 1..6 the n-grams of the hypothesis, of the
// reference, and common ones; and the value of their totals, 0..100.
inline constexpr int64_t kChrfColumns = 18;
double ChrfOfSums(const std::vector<double>& sums);

// 0..100; items are the sentences' own chrF, the value is of summed counts.
absl::StatusOr<MetricScore> Chrf(const std::vector<TextItem>& items,
                                 const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_CHRF_H_
