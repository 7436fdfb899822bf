// Metrics that are no mean over items, from sums over items: how a resampled
// value is had without the texts. Scales are those of the metrics themselves.
#ifndef HARNESS_CORE_METRIC_SUMS_H_
#define HARNESS_CORE_METRIC_SUMS_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sft {

// Columns that the named metric sums, 0 if it is none of these:
// span_f1, span_f1_strict: spans right, predicted, true;
// bleu: hypothesis and reference length, then for n = 1..4 the n-grams that
// match and those there are (smoothing exp, arXiv 1804.08771);
// chrf: for n = 1..6 the n-grams of hypothesis, of reference, common ones
// (Popovic, 2015; beta 2).
int64_t SumColumns(std::string_view metric);
// The value of `sums` (SumColumns(metric) of them); nullopt for other metrics.
std::optional<double> ValueOfSums(std::string_view metric,
                                  const std::vector<double>& sums);

}  // namespace sft

#endif  // HARNESS_CORE_METRIC_SUMS_H_
