// What every evaluation begins with.
#ifndef HARNESS_EVAL_EVAL_SUPPORT_H_
#define HARNESS_EVAL_EVAL_SUPPORT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "harness/core/records.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/eval/evaluator.h"
#include "harness/metrics/metric_records.h"

namespace sft::eval {

inline EvalRecord StartRecord(const std::string& task,
                              const EvalOptions& options) {
  EvalRecord record;
  record.task = task;
  record.split = options.split;
  record.round = options.round;
  return record;
}

// Adds the named metrics of the predictions and references of `record`.
inline absl::Status AddLabelMetrics(const std::vector<std::string>& names,
                                    const std::string& detail,
                                    EvalRecord& record) {
  for (const std::string& name : names) {
    absl::StatusOr<MetricRecord> metric = metrics::MetricOfLabels(
        name, record.predictions, record.references, detail);
    if (!metric.ok()) {
      return InputError(record.task, ToStd(metric.status().message()));
    }
    record.metrics.push_back(*std::move(metric));
  }
  return absl::OkStatus();
}

// Adds the named metrics of texts to `record`.
inline absl::Status AddTextMetrics(const std::vector<std::string>& names,
                                   const std::vector<metrics::TextItem>& items,
                                   const std::string& detail,
                                   EvalRecord& record) {
  for (const std::string& name : names) {
    SFT_ASSIGN_OR_RETURN(MetricRecord metric,
                         metrics::MetricOfTexts(name, items, {}, detail));
    record.metrics.push_back(std::move(metric));
  }
  return absl::OkStatus();
}

}  // namespace sft::eval

#endif  // HARNESS_EVAL_EVAL_SUPPORT_H_
