// The metrics: a table. A new one is a unit with its functions, and a row.
#ifndef HARNESS_METRICS_METRICS_H_
#define HARNESS_METRICS_METRICS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/label_metrics.h"
#include "harness/metrics/label_set_metrics.h"
#include "harness/metrics/sums.h"
#include "harness/metrics/text_item.h"
#include "harness/metrics/value_metrics.h"

namespace sft::metrics {

// What the items of a metric are read from.
enum class ItemFormat {
  kLines,  // an item a line
  kTags,   // CoNLL columns, the last is the tag; a blank line ends a sentence
  kSquad,  // references: SQuAD's JSON; hypotheses: {id: answer}
};

// How a metric is had from texts.
struct TextMetric {
  absl::StatusOr<MetricScore> (*score)(const std::vector<TextItem>& items,
                                       const TextMetricOptions& options) =
      nullptr;  // the metric is none of texts
  ItemFormat format = ItemFormat::kLines;
  bool several_references = false;
  std::vector<std::string> options = {};  // of TextMetricOptions, that it takes
  // A line's "\n", written as two characters, ends a sentence.
  bool escaped_newlines = false;
};

struct Metric {
  std::string name;
  std::string unit;
  bool higher_is_better = true;
  std::string signature;  // how it is computed, in one line
  std::string summary;
  // What tables call it, with {split} for its rows' split; empty: its name.
  std::string title = {};
  // Recorded of every task's validation rows: what cells are selected by.
  bool selects_cells = false;
  // The metric whose items weigh this one's; empty: all weigh alike.
  std::string weights = {};
  // The metric of the same evaluation that this one is e to the power of.
  std::string exp_of = {};
  SumFormula sums = {};
  // Of predictions and references, if it is one of these.
  LabelScorer labels = nullptr;
  LabelSetScorer label_sets = nullptr;
  ValueScorer values = nullptr;
  TextMetric text = {};
};

// Every metric, in the order of `sftbench list metrics`.
const std::vector<Metric>& AllMetrics();
// nullptr for an unknown name. The rows last as long as the program.
const Metric* FindMetric(std::string_view name);
// Of texts only (`sftbench score`); an error names the nearest one.
absl::StatusOr<Metric> TextMetricByName(std::string_view name);
// What tables call it where its rows are of `split`.
std::string TitleOf(const Metric& metric, std::string_view split);

// The value of `sums`, as many as the metric's row says (of labels: that many
// a label); nullopt for another number, or where the value is a mean of items.
std::optional<double> ValueOfSums(const Metric& metric,
                                  const std::vector<double>& sums);

// `metric`, which is one of texts, over `items`, its signature filled in.
absl::StatusOr<MetricScore> ScoreTexts(const Metric& metric,
                                       const std::vector<TextItem>& items,
                                       const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_METRICS_H_
