#include "harness/analysis/front_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/cell_ways.h"
#include "harness/analysis/task_columns.h"

namespace sft::analysis {
namespace {

// What a cell is on one set, for the front.
struct FrontPoint {
  size_t cell = 0;
  std::string target, family;  // of one family are losses of one scale
  Estimate loss, kept;
};
bool Dominates(const FrontPoint& a, const FrontPoint& b, double sign) {
  const double kept = sign * (a.kept.value - b.kept.value);
  return a.family == b.family && a.loss.value <= b.loss.value && kept >= 0 &&
         (a.loss.value < b.loss.value || kept > 0);
}

}  // namespace

Table FrontTable(const Results& results) {
  Table table;
  table.title = "Target loss against retention";
  table.columns = {
      {.key = "row", .title = "row", .is_text = true},
      {.key = "target",
       .title = "target",
       .is_text = true,
       .may_be_note = true},
      {.key = "loss",
       .title = "target's validation loss [95 %]",
       .digits = 4,
       .has_interval = true},
      {.key = "set", .title = "set", .is_text = true},
      {.key = "kept",
       .title = "retained [95 %]",
       .digits = 4,
       .has_interval = true},
      {.key = "unit", .title = "unit", .is_text = true, .may_be_note = true},
      {.key = "direction",
       .title = "direction",
       .is_text = true,
       .may_be_note = true},
      {.key = "front", .title = "on the front", .is_text = true}};
  // Where points are measured, the question is one of this kind.
  for (const std::string& set : SetsAtPoints(results, "curve")) {
    const MetricRecord* metric = AnyMetric(results, "curve", set);
    std::vector<FrontPoint> points;
    for (size_t i = 0; i < results.cells.size(); ++i) {
      const ResultCell& cell = results.cells[i];
      const std::string target = TargetOf(ConfigOf(results, cell));
      if (cell.is_untuned || set == target) continue;
      const auto loss =
          LastOf(results, cell, target, "validation_loss", "validation");
      const auto kept = LastOf(results, cell, set, metric->name, "");
      if (loss.has_value() && kept.has_value()) {
        points.push_back(
            {i, target,
             absl::StrCat(ConfigOf(results, cell).model, "\n", target), *loss,
             *kept});
      }
    }
    const double sign = metric->higher_is_better ? 1 : -1;
    for (const FrontPoint& point : points) {
      const bool is_beaten = std::any_of(
          points.begin(), points.end(),
          [&](const auto& other) { return Dominates(other, point, sign); });
      table.rows.push_back(
          {{.text = CellLabel(results, results.cells[point.cell])},
           {.text = point.target + " validation loss"},
           WithInterval(point.loss),
           {.text = set},
           WithInterval(point.kept),
           {.text = ScaleOf(metric->unit)},
           {.text = sign > 0 ? "higher is better" : "lower is better"},
           {.text = is_beaten ? "" : "*"}});
    }
  }
  return table;
}

}  // namespace sft::analysis
