#include "harness/eval/metrics.h"

#include <map>

#include "harness/core/metric_sums.h"
#include "harness/core/status.h"

namespace sft::eval {
namespace {

MetricRecord MetricOfCounts(std::string_view name,
                            const std::vector<int64_t>& predictions,
                            const std::vector<int64_t>& references,
                            std::string_view detail) {
  struct Counts {
    double right = 0, predicted = 0, present = 0;
  };
  std::map<int64_t, Counts> by_label;
  for (size_t i = 0; i < references.size(); ++i) {
    ++by_label[predictions[i]].predicted;
    ++by_label[references[i]].present;
    by_label[references[i]].right += predictions[i] == references[i];
  }
  std::vector<double> sums;
  for (const auto& [label, counts] : by_label) {
    sums.insert(sums.end(), {counts.right, counts.predicted, counts.present});
  }
  MetricRecord record = MakeMetric(name, detail);
  record.value = ValueOfSums(name, sums).value_or(0.0);
  return record;
}

}  // namespace

const std::vector<MetricInfo>& AllMetrics() {
  static const auto& table = *new std::vector<MetricInfo>{
      {"accuracy", "fraction", true, "accuracy|ties:lower-label-index",
       "share of items whose likeliest label is the right one"},
      {"accuracy_norm", "fraction", true,
       "accuracy_norm|log-probability/characters|ties:lower-choice-index",
       "share of items whose likeliest choice a byte is the right one"},
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
       "exp of the mean cross-entropy of held-out text, or of last words"},
      {"cross_entropy_tokens", "tokens", true, "count|predicted-tokens",
       "how many tokens cross_entropy is a mean of"},
      // What `sftbench score` has beside; see text_metrics.h.
      {"f1_micro", "fraction", true, "f1_micro|labels:present|sklearn-1",
       "F1 over all items; with one label an item, the accuracy"},
      {"mcc", "1", true, "mcc|multiclass|sklearn-1",
       "Matthews' correlation of predicted and right labels"},
      {"span_f1", "fraction", true,
       "span_f1|micro|scheme:conlleval|seqeval-1.2.2",
       "F1 of named spans, read as conlleval reads them"},
      {"span_f1_strict", "fraction", true,
       "span_f1_strict|micro|scheme:IOB2|seqeval-1.2.2",
       "F1 of named spans, read strictly as IOB2"},
      {"exact_match", "percent", true,
       "exact_match|best-reference|mean:items|squad-v1.1",
       "share of answers equal to a reference once normalised"},
      {"squad_f1", "percent", true,
       "squad_f1|best-reference|mean:items|squad-v1.1",
       "mean F1 of the answers' words"},
      {"bleu", "percent", true,
       "nrefs:N|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0",
       "corpus BLEU as sacreBLEU computes it"},
      {"chrf", "percent", true,
       "nrefs:N|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0",
       "chrF2 as sacreBLEU computes it"},
      {"rouge1", "fraction", true,
       "rouge1|f1|nrefs:N|best-reference|mean:items|stemmer:no|"
       "rouge-score-0.1.2",
       "mean F1 of words"},
      {"rouge2", "fraction", true,
       "rouge2|f1|nrefs:N|best-reference|mean:items|stemmer:no|"
       "rouge-score-0.1.2",
       "mean F1 of pairs of words"},
      {"rougeL", "fraction", true,
       "rougeL|f1|nrefs:N|best-reference|mean:items|stemmer:no|"
       "rouge-score-0.1.2",
       "mean F1 of the longest common subsequence"},
      {"rougeLsum", "fraction", true,
       "rougeLsum|f1|nrefs:N|best-reference|mean:items|stemmer:no|"
       "rouge-score-0.1.2",
       "mean F1 of the union of the sentences' common subsequences"},
      {"constraint_accuracy", "fraction", true,
       "constraint_accuracy|ifeval-strict|languages:unchecked|sentences:rules|"
       "mean:rows",
       "mean share of a row's verifiable constraints that the answer meets"},
      {"final_number", "fraction", true,
       "final_number|nrefs:N|last-number|stripped:comma,dollar|decimal-equal|"
       "mean:items",
       "share of answers whose last number is the reference's (GSM8K)"},
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
  return MetricOfCounts("f1_macro", predictions, references, detail);
}

MetricRecord MicroF1(const std::vector<int64_t>& predictions,
                     const std::vector<int64_t>& references,
                     std::string_view detail) {
  // Each wrong item is one false positive and one false negative.
  MetricRecord record = MakeMetric("f1_micro", detail);
  const MetricRecord accuracy = Accuracy(predictions, references);
  record.value = accuracy.value;
  record.items = accuracy.items;
  return record;
}

MetricRecord MatthewsCorrelation(const std::vector<int64_t>& predictions,
                                 const std::vector<int64_t>& references,
                                 std::string_view detail) {
  return MetricOfCounts("mcc", predictions, references, detail);
}

absl::StatusOr<MetricRecord> MetricOfLabels(
    std::string_view name, const std::vector<int64_t>& predictions,
    const std::vector<int64_t>& references, std::string_view detail) {
  if (name == "accuracy") return Accuracy(predictions, references, detail);
  if (name == "f1_micro") return MicroF1(predictions, references, detail);
  if (name == "f1_macro") return MacroF1(predictions, references, detail);
  if (name == "mcc") {
    return MatthewsCorrelation(predictions, references, detail);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("metric '", ToAbsl(name), "' is none of classes"));
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

}  // namespace sft::eval
