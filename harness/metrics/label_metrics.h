// Metrics of labels, an item each, as scikit-learn 1 computes them.
#ifndef HARNESS_METRICS_LABEL_METRICS_H_
#define HARNESS_METRICS_LABEL_METRICS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

using Labels = std::vector<int64_t>;
using LabelScorer = MetricScore (*)(const Labels& predictions,
                                    const Labels& references);

// Share of predictions[i] == references[i]; items are 0 and 1.
MetricScore Accuracy(const Labels& predictions, const Labels& references);

// f1_score(average="macro", zero_division=0): the plain mean of
// F1 = 2 TP / (2 TP + FP + FN) over the labels that occur in predictions or
// references. It is no mean over items, so there are none.
MetricScore MacroF1(const Labels& predictions, const Labels& references);

// f1_score(average="micro") over the labels that occur: with one label an
// item, the accuracy. Items are 0 and 1.
MetricScore MicroF1(const Labels& predictions, const Labels& references);

// matthews_corrcoef for any number of labels (Gorodkin, 2004); 0 where either
// side has one label only. No mean over items, so there are none.
MetricScore MatthewsCorrelation(const Labels& predictions,
                                const Labels& references);

// The sums of a label: items right, predicted, present. Those of labels that
// do not occur are 0 and do not count.
inline constexpr int64_t kLabelColumns = 3;
// Of the labels that occur, in their order.
std::vector<double> SumsOfLabels(const Labels& predictions,
                                 const Labels& references);
double MacroF1OfSums(const std::vector<double>& sums);
double MatthewsCorrelationOfSums(const std::vector<double>& sums);

// Of lines, each of which is a label as a whole.
absl::StatusOr<MetricScore> ScoreLines(LabelScorer scorer,
                                       const std::vector<TextItem>& items);
template <LabelScorer kScorer>
absl::StatusOr<MetricScore> ScoreLines(const std::vector<TextItem>& items,
                                       const TextMetricOptions&) {
  return ScoreLines(kScorer, items);
}
// Whose signature says that there are no likelihoods, so no ties.
absl::StatusOr<MetricScore> AccuracyOfLines(const std::vector<TextItem>& items,
                                            const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_LABEL_METRICS_H_
