#include "harness/metrics/metrics.h"

#include <cstdint>

#include "absl/strings/str_replace.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::metrics {

const Metric* FindMetric(std::string_view name) {
  for (const Metric& metric : AllMetrics()) {
    if (metric.name == name) return &metric;
  }
  return nullptr;
}

absl::StatusOr<Metric> TextMetricByName(std::string_view name) {
  std::vector<std::string> names;
  for (const Metric& metric : AllMetrics()) {
    if (metric.text.score == nullptr) continue;
    if (metric.name == name) return metric;
    names.push_back(metric.name);
  }
  return InputError("--metric", absl::StrCat("'", ToAbsl(name), "' is unknown",
                                             NearestOrKnown(name, names)));
}

std::string TitleOf(const Metric& metric, std::string_view split) {
  return absl::StrReplaceAll(metric.title.empty() ? metric.name : metric.title,
                             {{"{split}", ToAbsl(split)}});
}

std::optional<double> ValueOfSums(const Metric& metric,
                                  const std::vector<double>& sums) {
  const SumFormula& formula = metric.sums;
  const auto given = static_cast<int64_t>(sums.size());
  switch (formula.of) {
    case SumsOf::kItems:
      return std::nullopt;
    case SumsOf::kRecord:
      if (given != formula.columns) return std::nullopt;
      break;
    case SumsOf::kRecordOfLabels:
    case SumsOf::kLabels:
      if (given % formula.columns != 0) return std::nullopt;
      break;
  }
  return formula.value(sums);
}

absl::StatusOr<MetricScore> ScoreTexts(const Metric& metric,
                                       const std::vector<TextItem>& items,
                                       const TextMetricOptions& options) {
  SFT_ASSIGN_OR_RETURN(MetricScore score, metric.text.score(items, options));
  if (score.signature.empty()) score.signature = metric.signature;
  return score;
}

}  // namespace sft::metrics
