#include "harness/metrics/metric_records.h"

#include <utility>

#include "harness/core/status.h"
#include "harness/metrics/metrics.h"

namespace sft::metrics {

MetricRecord MakeMetric(std::string_view name, std::string_view detail) {
  return MakeMetric(name, MetricScore(), detail);
}

MetricRecord MakeMetric(std::string_view name, MetricScore score,
                        std::string_view detail) {
  MetricRecord record;
  record.name = std::string(name);
  const Metric* metric = FindMetric(name);
  if (metric == nullptr) return record;
  record.value = score.value;
  record.unit = metric->unit;
  record.signature =
      score.signature.empty() ? metric->signature : score.signature;
  if (!detail.empty()) {
    absl::StrAppend(&record.signature, "|", ToAbsl(detail));
  }
  record.higher_is_better = metric->higher_is_better;
  record.items = std::move(score.items);
  record.sums = std::move(score.sums);
  if (!record.sums.empty()) {
    record.sum_columns =
        score.sum_columns > 0 ? score.sum_columns : metric->sums.columns;
  }
  return record;
}

absl::StatusOr<MetricRecord> MetricOfLabels(std::string_view name,
                                            const Labels& predictions,
                                            const Labels& references,
                                            std::string_view detail) {
  const Metric* metric = FindMetric(name);
  if (metric == nullptr || metric->labels == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("metric '", ToAbsl(name), "' is none of classes"));
  }
  return MakeMetric(name, metric->labels(predictions, references), detail);
}

absl::StatusOr<MetricRecord> MetricOfTexts(std::string_view name,
                                           const std::vector<TextItem>& items,
                                           const TextMetricOptions& options,
                                           std::string_view detail) {
  SFT_ASSIGN_OR_RETURN(const Metric metric, TextMetricByName(name));
  SFT_ASSIGN_OR_RETURN(MetricScore score, ScoreTexts(metric, items, options));
  return MakeMetric(name, std::move(score), detail);
}

MetricRecord MeanNats(std::string_view name, const std::vector<double>& sums,
                      const std::vector<int64_t>& counts,
                      std::string_view detail) {
  MetricScore score;
  double sum = 0;
  int64_t count = 0;
  for (size_t i = 0; i < sums.size(); ++i) {
    sum += sums[i];
    count += counts[i];
    score.items.push_back(
        counts[i] > 0 ? sums[i] / static_cast<double>(counts[i]) : 0.0);
  }
  if (count > 0) score.value = sum / static_cast<double>(count);
  return MakeMetric(name, std::move(score), detail);
}

MetricRecord TokenCounts(std::string_view name,
                         const std::vector<int64_t>& counts) {
  MetricScore score;
  for (int64_t count : counts) {
    score.value += static_cast<double>(count);
    score.items.push_back(static_cast<double>(count));
  }
  return MakeMetric(name, std::move(score));
}

}  // namespace sft::metrics
