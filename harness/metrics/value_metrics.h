// Metrics of numbers, an item each: correlations as SciPy 1 computes them
// (pearsonr, spearmanr), and squared errors.
#ifndef HARNESS_METRICS_VALUE_METRICS_H_
#define HARNESS_METRICS_VALUE_METRICS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

using Values = std::vector<double>;
using ValueScorer = MetricScore (*)(const Values& predictions,
                                    const Values& references);

// r = sum (x - mx)(y - my) / sqrt(sum (x - mx)^2 sum (y - my)^2); 0 where
// either side is constant, of which SciPy says that r is not defined. No mean
// over items.
MetricScore Pearson(const Values& predictions, const Values& references);

// Pearson's r of ranks, equal values sharing the mean of theirs. Draws of items
// keep the ranks that these have among all.
MetricScore Spearman(const Values& predictions, const Values& references);

// Mean of (x - y)^2; items are these.
MetricScore MeanSquaredError(const Values& predictions,
                             const Values& references);

// The sums of an item: 1, x, y, x^2, y^2, x y, both less the mean of the
// references, which is the same for all models.
inline constexpr int64_t kCorrelationColumns = 6;
double CorrelationOfSums(const std::vector<double>& sums);

// Of lines, each of which is a number; one that is none counts as 0 where a
// model wrote it, and is an error among the references.
absl::StatusOr<MetricScore> ScoreNumbers(ValueScorer scorer,
                                         const std::vector<TextItem>& items);
template <ValueScorer kScorer>
absl::StatusOr<MetricScore> ScoreNumbers(const std::vector<TextItem>& items,
                                         const TextMetricOptions&) {
  return ScoreNumbers(kScorer, items);
}

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_VALUE_METRICS_H_
