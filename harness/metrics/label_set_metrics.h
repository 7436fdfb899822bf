// Metrics of several labels an item, as scikit-learn 1 computes them of
// matrices of 0 and 1: f1_score(average=..., zero_division=0), accuracy_score,
// average_precision_score(average="macro").
// N items, C labels.
#ifndef HARNESS_METRICS_LABEL_SET_METRICS_H_
#define HARNESS_METRICS_LABEL_SET_METRICS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

// For each item, whether it has each of C labels.
using LabelSets = std::vector<std::vector<bool>>;
using LabelSetScorer = MetricScore (*)(const LabelSets& predictions,
                                       const LabelSets& references);

// 2 TP / (2 TP + FP + FN) over all labels of all items.
MetricScore MicroF1OfSets(const LabelSets& predictions,
                          const LabelSets& references);
// The mean over the C labels of each one's F1, 0 where it never occurs.
MetricScore MacroF1OfSets(const LabelSets& predictions,
                          const LabelSets& references);
// Share of items whose set is the right one; items are 0 and 1.
MetricScore SubsetAccuracy(const LabelSets& predictions,
                           const LabelSets& references);

// The mean over the labels of their average precision: the sum over falling
// scores, equal ones together, of (R_k - R_k-1) P_k. A label that no item has
// counts as 0. scores_NC: N rows of C.
MetricScore MeanAveragePrecision(const std::vector<std::vector<double>>& scores,
                                 const LabelSets& references);

// The sums of an item: labels right, predicted, present; of macro F1 these of
// each label.
inline constexpr int64_t kLabelSetColumns = 3;
double MicroF1OfSetSums(const std::vector<double>& sums);
double MacroF1OfSetSums(const std::vector<double>& sums);

// Of lines: labels between commas, none in an empty line. Labels are those that
// occur.
absl::StatusOr<MetricScore> ScoreLabelLists(LabelSetScorer scorer,
                                            const std::vector<TextItem>& items);
template <LabelSetScorer kScorer>
absl::StatusOr<MetricScore> ScoreLabelLists(const std::vector<TextItem>& items,
                                            const TextMetricOptions&) {
  return ScoreLabelLists(kScorer, items);
}

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_LABEL_SET_METRICS_H_
