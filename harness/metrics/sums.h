// What an item adds to a metric's sums, so that the value of any choice of
// items is had again without the texts.
#ifndef HARNESS_METRICS_SUMS_H_
#define HARNESS_METRICS_SUMS_H_

#include <cstdint>
#include <vector>

namespace sft::metrics {

enum class SumsOf {
  kItems,   // the score of an item and its weight: the value is their mean
  kRecord,  // MetricRecord::sums: `columns` of them an item
  kRecordOfLabels,  // the same, `columns` of each of the record's labels
  // `columns` of each label, counted from the predictions and references of
  // the EvalRecord (label_metrics.h).
  kLabels,
};

// How a metric's value comes from sums over items, at the metric's own scale.
struct SumFormula {
  SumsOf of = SumsOf::kItems;
  int64_t columns = 0;                                           // not kItems
  double (*value)(const std::vector<double>& sums_C) = nullptr;  // not kItems
};

// Each column's total over items of `columns` sums, row-major.
std::vector<double> TotalSums(const std::vector<double>& sums, int64_t columns);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_SUMS_H_
