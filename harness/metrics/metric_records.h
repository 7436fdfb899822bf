// Metrics as an evaluation records them.
#ifndef HARNESS_METRICS_METRIC_RECORDS_H_
#define HARNESS_METRICS_METRIC_RECORDS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/records.h"
#include "harness/metrics/label_metrics.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

// A record of the named metric without a value; `detail` is added to its
// signature. The name must be in the table.
MetricRecord MakeMetric(std::string_view name, std::string_view detail = "");
// The same with value, items and sums of `score`, and its signature, if any.
MetricRecord MakeMetric(std::string_view name, MetricScore score,
                        std::string_view detail = "");

// The named metric of labels; an error for a metric that is none.
absl::StatusOr<MetricRecord> MetricOfLabels(std::string_view name,
                                            const Labels& predictions,
                                            const Labels& references,
                                            std::string_view detail = "");

// The named metric of texts; an error for a metric that is none.
absl::StatusOr<MetricRecord> MetricOfTexts(std::string_view name,
                                           const std::vector<TextItem>& items,
                                           const TextMetricOptions& options,
                                           std::string_view detail = "");

// sum of nats / number of tokens over groups (rows, windows). Items are each
// group's own mean; `counts` are the tokens they weigh.
MetricRecord MeanNats(std::string_view name, const std::vector<double>& sums,
                      const std::vector<int64_t>& counts,
                      std::string_view detail = "");

// The token counts behind a MeanNats record, an item each.
MetricRecord TokenCounts(std::string_view name,
                         const std::vector<int64_t>& counts);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_METRIC_RECORDS_H_
