// The metrics by name, and the pure functions behind them.
#ifndef HARNESS_EVAL_METRICS_H_
#define HARNESS_EVAL_METRICS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/records.h"

namespace sft::eval {

struct MetricInfo {
  std::string name;
  std::string unit;
  bool higher_is_better = true;
  std::string signature;  // how it is computed, in one line
  std::string summary;
};
// Every metric, in the order of `sftbench list metrics`.
const std::vector<MetricInfo>& AllMetrics();
absl::StatusOr<MetricInfo> MetricByName(std::string_view name);
// A record of the named metric without a value; `detail` is added to its
// signature. The name must be in the table.
MetricRecord MakeMetric(std::string_view name, std::string_view detail = "");

// Share of predictions[i] == references[i]; items are 0 and 1.
MetricRecord Accuracy(const std::vector<int64_t>& predictions,
                      const std::vector<int64_t>& references,
                      std::string_view detail = "");

// scikit-learn's f1_score(average="macro", zero_division=0): the plain mean
// of F1 = 2 TP / (2 TP + FP + FN) over the labels that occur in predictions or
// references. It is no mean over items, so `items` is empty: resampling takes
// predictions and references from the EvalRecord.
MetricRecord MacroF1(const std::vector<int64_t>& predictions,
                     const std::vector<int64_t>& references,
                     std::string_view detail = "");

// scikit-learn's f1_score(average="micro") over the labels that occur: with
// one label an item, the accuracy. Items are 0 and 1.
MetricRecord MicroF1(const std::vector<int64_t>& predictions,
                     const std::vector<int64_t>& references,
                     std::string_view detail = "");

// scikit-learn's matthews_corrcoef for any number of labels (Gorodkin, 2004);
// 0 where either side has one label only. No mean over items: `items` is empty.
MetricRecord MatthewsCorrelation(const std::vector<int64_t>& predictions,
                                 const std::vector<int64_t>& references,
                                 std::string_view detail = "");

// One of the four above by name; an error for any other.
absl::StatusOr<MetricRecord> MetricOfLabels(
    std::string_view name, const std::vector<int64_t>& predictions,
    const std::vector<int64_t>& references, std::string_view detail = "");

// sum of nats / number of tokens over groups (rows, windows). Items are each
// group's own mean; `counts` are the tokens they weigh.
MetricRecord MeanNats(std::string_view name, const std::vector<double>& sums,
                      const std::vector<int64_t>& counts,
                      std::string_view detail = "");

// The token counts behind a MeanNats record, an item each.
MetricRecord TokenCounts(std::string_view name,
                         const std::vector<int64_t>& counts);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_METRICS_H_
