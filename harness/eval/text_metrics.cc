#include "harness/eval/text_metrics.h"

#include <cstdint>
#include <map>

#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/eval/bleu.h"
#include "harness/eval/chrf.h"
#include "harness/eval/final_number.h"
#include "harness/eval/metrics.h"
#include "harness/eval/rouge.h"
#include "harness/eval/span_f1.h"
#include "harness/eval/squad.h"

namespace sft::eval {
namespace {

using LabelMetric = MetricRecord (*)(const std::vector<int64_t>&,
                                     const std::vector<int64_t>&,
                                     std::string_view);

// A label is a whole line.
template <LabelMetric kMetric>
absl::StatusOr<TextScore> ScoreLabels(const std::vector<TextItem>& items,
                                      const TextMetricOptions&) {
  std::map<std::string, int64_t> labels;
  auto index = [&labels](const std::string& label) {
    return labels.emplace(label, static_cast<int64_t>(labels.size()))
        .first->second;
  };
  std::vector<int64_t> predictions, references;
  for (const TextItem& item : items) {
    predictions.push_back(index(item.hypothesis));
    references.push_back(index(item.references[0]));
  }
  const MetricRecord record = kMetric(predictions, references, "");
  return TextScore{record.value, record.items, record.signature};
}

// A line is a label as it stands: no likelihoods, so no ties.
absl::StatusOr<TextScore> ScoreAccuracy(const std::vector<TextItem>& items,
                                        const TextMetricOptions& options) {
  auto score = ScoreLabels<Accuracy>(items, options);
  if (score.ok()) score->signature = "accuracy|equal-lines";
  return score;
}

}  // namespace

const std::vector<TextMetric>& AllTextMetrics() {
  constexpr auto kLines = ItemFormat::kLines;
  constexpr auto kTags = ItemFormat::kTags;
  constexpr auto kSquad = ItemFormat::kSquad;
  static const auto& table = *new std::vector<TextMetric>{
      {"accuracy", kLines, false, {}, false, ScoreAccuracy},
      {"f1_macro", kLines, false, {}, false, ScoreLabels<MacroF1>},
      {"f1_micro", kLines, false, {}, false, ScoreLabels<MicroF1>},
      {"mcc", kLines, false, {}, false, ScoreLabels<MatthewsCorrelation>},
      {"span_f1", kTags, false, {}, false, SpanF1},
      {"span_f1_strict", kTags, false, {}, false, SpanF1Strict},
      {"exact_match", kSquad, false, {}, false, SquadExactMatch},
      {"squad_f1", kSquad, false, {}, false, SquadF1},
      {"bleu", kLines, true, {"tokenize", "lowercase"}, false, Bleu},
      {"chrf", kLines, true, {"lowercase"}, false, Chrf},
      {"rouge1", kLines, true, {"stemmer"}, false, Rouge1},
      {"rouge2", kLines, true, {"stemmer"}, false, Rouge2},
      {"rougeL", kLines, true, {"stemmer"}, false, RougeL},
      {"rougeLsum", kLines, true, {"stemmer"}, true, RougeLsum},
      {"final_number", kLines, true, {}, false, ScoreFinalNumber},
  };
  return table;
}

absl::StatusOr<TextMetric> TextMetricByName(std::string_view name) {
  std::vector<std::string> names;
  std::string known;
  for (const TextMetric& metric : AllTextMetrics()) {
    if (metric.name == name) return metric;
    names.push_back(metric.name);
    known += (known.empty() ? "" : ", ") + metric.name;
  }
  const std::string nearest = NearestName(name, names);
  return InputError(
      "--metric",
      absl::StrCat("'", ToAbsl(name), "' is unknown; ",
                   nearest.empty() ? "known are " + known
                                   : "did you mean '" + nearest + "'?"));
}

absl::StatusOr<MetricRecord> MetricOfTexts(std::string_view name,
                                           const std::vector<TextItem>& items,
                                           const TextMetricOptions& options,
                                           std::string_view detail) {
  SFT_ASSIGN_OR_RETURN(const TextMetric metric, TextMetricByName(name));
  SFT_ASSIGN_OR_RETURN(TextScore score, metric.score(items, options));
  MetricRecord record = MakeMetric(name);
  record.value = score.value;
  record.items = std::move(score.items);
  record.sums = std::move(score.sums);
  record.sum_columns = score.sum_columns;
  record.signature = std::move(score.signature);
  if (!detail.empty()) {
    absl::StrAppend(&record.signature, "|", ToAbsl(detail));
  }
  return record;
}

}  // namespace sft::eval
