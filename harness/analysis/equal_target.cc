#include "harness/analysis/equal_target.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/cell_ways.h"
#include "harness/analysis/selection.h"
#include "harness/analysis/task_columns.h"

namespace sft::analysis {
namespace {

// The mean end loss of the target, over a cell's seeds.
double MeanEnd(const Ways& ways, const std::string& target) {
  std::vector<double> values;
  for (const auto& [seed, way] : ways) {
    const auto score = way.back().scores.find(target);
    if (score != way.back().scores.end()) {
      values.push_back(score->second.value);
    }
  }
  return Mean(values);
}

// What pairs of seeds read of one set, where both come down to the level.
struct Readings {
  std::vector<SeedContrast> mine, theirs, differences;
  int64_t missed = 0;
};
Readings ReadPairs(const Ways& mine, const Ways& theirs,
                   const std::string& target, const std::string& set,
                   double level) {
  Readings out;
  for (const auto& [seed, way] : mine) {
    const auto other = theirs.find(seed);
    if (other == theirs.end()) continue;
    const auto here = PlaceAtTarget(way, target, level);
    const auto there = PlaceAtTarget(other->second, target, level);
    if (!here.has_value() || !there.has_value()) {
      ++out.missed;
      continue;
    }
    const auto one = ReadAt(way, set, *here);
    const auto two = ReadAt(other->second, set, *there);
    if (!one.has_value() || !two.has_value()) continue;
    out.mine.push_back({*one});
    out.theirs.push_back({*two});
    out.differences.push_back(Minus({*one}, {*two}));
  }
  return out;
}

}  // namespace

Table EqualTargetTable(const Results& results) {
  Table table;
  table.title = "Read at equal target score";
  const auto number = [](const char* key, const char* title, bool show_sign) {
    return TableColumn{.key = key,
                       .title = title,
                       .digits = 4,
                       .has_interval = true,
                       .show_sign = show_sign};
  };
  table.columns = {
      {.key = "row", .title = "row", .is_text = true},
      {.key = "against", .title = "against", .is_text = true},
      {.key = "target",
       .title = "target",
       .is_text = true,
       .may_be_note = true},
      {.key = "level", .title = "s*", .digits = 4},
      {.key = "set", .title = "set", .is_text = true},
      {.key = "metric",
       .title = "metric",
       .is_text = true,
       .may_be_note = true},
      {.key = "unit", .title = "unit", .is_text = true, .may_be_note = true},
      {.key = "pairs", .title = "pairs"},
      {.key = "missed", .title = "pairs that miss s*", .may_be_note = true},
      number("row_value", "row [95 %]", false),
      number("against_value", "against [95 %]", false),
      number("difference", "difference [95 %]", true),
      {.key = "p", .title = "p (uncorrected)", .is_p_value = true},
      {.key = "direction",
       .title = "direction",
       .is_text = true,
       .may_be_note = true}};
  for (const ResultCell& cell : results.cells) {
    if (cell.is_untuned || ConfigOf(results, cell).train.size() != 1) continue;
    const std::optional<size_t> baseline = BaselineCell(results, cell);
    if (!baseline.has_value() || &results.cells[*baseline] == &cell) continue;
    const ResultCell& other = results.cells[*baseline];
    const std::string target = TargetOf(ConfigOf(results, cell));
    if (target != TargetOf(ConfigOf(results, other))) continue;
    const Ways mine = WaysOf(results, cell, "curve");
    const Ways theirs = WaysOf(results, other, "curve");
    if (mine.empty() || theirs.empty()) continue;
    const double level =
        std::max(MeanEnd(mine, target), MeanEnd(theirs, target));
    for (const std::string& set : SetsAtPoints(results, "curve")) {
      const MetricRecord* metric = AnyMetric(results, "curve", set);
      if (set == target) continue;
      const Readings read = ReadPairs(mine, theirs, target, set, level);
      const std::string salt =
          absl::StrCat(FirstRun(results, cell), "\n", set, "\nequal target");
      const auto difference = EstimateOf(read.differences, salt);
      table.rows.push_back(
          {{.text = CellLabel(results, cell)},
           {.text = CellLabel(results, other)},
           {.text = target + " validation loss"},
           NumberCell(level),
           {.text = set},
           {.text = metric->name},
           {.text = ScaleOf(metric->unit)},
           NumberCell(static_cast<double>(read.differences.size())),
           NumberCell(static_cast<double>(read.missed)),
           WithInterval(EstimateOf(read.mine, salt + "\nrow")),
           WithInterval(EstimateOf(read.theirs, salt + "\nagainst")),
           WithInterval(difference),
           difference.has_value() ? NumberCell(difference->p) : TableCell(),
           {.text = metric->higher_is_better ? "higher is better"
                                             : "lower is better"}});
    }
  }
  return table;
}

}  // namespace sft::analysis
