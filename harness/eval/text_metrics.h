// The metrics of `sftbench score`: a name, what its items are read from, and a
// function over the items. A new one is a file and a row here (and a row of
// AllMetrics()).
#ifndef HARNESS_EVAL_TEXT_METRICS_H_
#define HARNESS_EVAL_TEXT_METRICS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/records.h"
#include "harness/eval/text_item.h"

namespace sft::eval {

enum class ItemFormat {
  kLines,  // an item a line
  kTags,   // CoNLL columns, the last is the tag; a blank line ends a sentence
  kSquad,  // references: SQuAD's JSON; hypotheses: {id: answer}
};

struct TextMetric {
  std::string name;
  ItemFormat format = ItemFormat::kLines;
  bool several_references = false;
  std::vector<std::string> options;  // of TextMetricOptions, that it takes
  // A line's "\n", written as two characters, ends a sentence (rougeLsum).
  bool escaped_newlines = false;
  absl::StatusOr<TextScore> (*score)(const std::vector<TextItem>& items,
                                     const TextMetricOptions& options);
};

const std::vector<TextMetric>& AllTextMetrics();
// An error names the nearest metric.
absl::StatusOr<TextMetric> TextMetricByName(std::string_view name);

// The metric of texts for a record; `detail` is added to its signature.
absl::StatusOr<MetricRecord> MetricOfTexts(std::string_view name,
                                           const std::vector<TextItem>& items,
                                           const TextMetricOptions& options,
                                           std::string_view detail = "");

// Reads the items of `metric`; an error names file and line. At least one.
absl::StatusOr<std::vector<TextItem>> ReadTextItems(
    const TextMetric& metric, const std::string& hypotheses,
    const std::vector<std::string>& references);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_TEXT_METRICS_H_
