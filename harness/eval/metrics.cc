#include "harness/eval/metrics.h"

#include <map>

#include "harness/core/status.h"

namespace sft {

const std::vector<MetricInfo>& AllMetrics() {
  static const auto& table = *new std::vector<MetricInfo>{
      {"accuracy", "fraction", true, "accuracy|ties:lower-label-index",
       "share of items whose likeliest label is the right one"},
      {"f1_macro", "fraction", true,
       "f1_macro|labels:present|zero_division:0|sklearn-1",
       "mean over the labels of F1"},
      {"validation_loss", "nats/token", false,
       "cross_entropy|over:target-tokens|mean:tokens",
       "mean cross-entropy of the answers' tokens"},
      {"validation_target_tokens", "tokens", true, "count|target-tokens",
       "how many tokens validation_loss is a mean of"},
      {"cross_entropy", "nats/token", false,
       "cross_entropy|over:window-tokens-but-the-first|mean:tokens",
       "mean cross-entropy of held-out text"},
      {"perplexity", "1", false, "exp(cross_entropy)",
       "exp of the mean cross-entropy of held-out text"},
      {"cross_entropy_tokens", "tokens", true, "count|predicted-tokens",
       "how many tokens cross_entropy is a mean of"},
  };
  return table;
}

absl::StatusOr<MetricInfo> MetricByName(std::string_view name) {
  std::string known;
  for (const MetricInfo& info : AllMetrics()) {
    if (info.name == name) return info;
    known += (known.empty() ? "" : ", ") + info.name;
  }
  return InputError("metric", absl::StrCat("'", ToAbsl(name),
                                           "' is unknown; known are ", known));
}

MetricRecord MakeMetric(std::string_view name, std::string_view detail) {
  MetricRecord record;
  record.name = std::string(name);
  const absl::StatusOr<MetricInfo> info = MetricByName(name);
  if (!info.ok()) return record;
  record.unit = info->unit;
  record.signature = info->signature;
  if (!detail.empty()) {
    record.signature += "|";
    record.signature += detail;
  }
  record.higher_is_better = info->higher_is_better;
  return record;
}

MetricRecord Accuracy(const std::vector<int64_t>& predictions,
                      const std::vector<int64_t>& references,
                      std::string_view detail) {
  MetricRecord record = MakeMetric("accuracy", detail);
  double right = 0;
  for (size_t i = 0; i < references.size(); ++i) {
    const bool same = predictions[i] == references[i];
    record.items.push_back(same);
    right += same;
  }
  if (!references.empty()) {
    record.value = right / static_cast<double>(references.size());
  }
  return record;
}

MetricRecord MacroF1(const std::vector<int64_t>& predictions,
                     const std::vector<int64_t>& references,
                     std::string_view detail) {
  struct Counts {
    int64_t true_positives = 0, predicted = 0, present = 0;
  };
  std::map<int64_t, Counts> by_label;
  for (size_t i = 0; i < references.size(); ++i) {
    ++by_label[predictions[i]].predicted;
    ++by_label[references[i]].present;
    if (predictions[i] == references[i]) {
      ++by_label[references[i]].true_positives;
    }
  }
  MetricRecord record = MakeMetric("f1_macro", detail);
  for (const auto& [label, counts] : by_label) {
    // 2 TP + FP + FN is predicted + present, above 0 for a label that occurs.
    record.value += 2.0 * static_cast<double>(counts.true_positives) /
                    static_cast<double>(counts.predicted + counts.present);
  }
  if (!by_label.empty()) record.value /= static_cast<double>(by_label.size());
  return record;
}

MetricRecord MeanNats(std::string_view name, const std::vector<double>& sums,
                      const std::vector<int64_t>& counts,
                      std::string_view detail) {
  MetricRecord record = MakeMetric(name, detail);
  double sum = 0;
  int64_t count = 0;
  for (size_t i = 0; i < sums.size(); ++i) {
    sum += sums[i];
    count += counts[i];
    record.items.push_back(
        counts[i] > 0 ? sums[i] / static_cast<double>(counts[i]) : 0.0);
  }
  if (count > 0) record.value = sum / static_cast<double>(count);
  return record;
}

MetricRecord TokenCounts(std::string_view name,
                         const std::vector<int64_t>& counts) {
  MetricRecord record = MakeMetric(name);
  for (int64_t count : counts) {
    record.value += static_cast<double>(count);
    record.items.push_back(static_cast<double>(count));
  }
  return record;
}

}  // namespace sft
