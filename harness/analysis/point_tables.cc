#include "harness/analysis/point_tables.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/selection.h"
#include "harness/analysis/task_columns.h"
#include "harness/analysis/way_points.h"

namespace sft::analysis {
namespace {

constexpr char kDistanceFact[] = "distance.";

TableCell WithInterval(const std::optional<Estimate>& estimate) {
  if (!estimate.has_value()) return {};
  TableCell cell = NumberCell(estimate->value);
  if (!std::isnan(estimate->interval.low)) cell.interval = estimate->interval;
  return cell;
}

std::string FirstRun(const Results& results, const ResultCell& cell) {
  return results.runs[cell.runs[0]].planned.run_id;
}

// The ways of a cell's runs that have points, by seed.
using Ways = std::map<int64_t, std::vector<WayPoint>>;
Ways WaysOf(const Results& results, const ResultCell& cell,
            const std::string& split) {
  Ways ways;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    std::vector<WayPoint> way = WayOf(*run.record, split);
    if (!way.empty()) ways[run.planned.config.seed] = std::move(way);
  }
  return ways;
}

const spec::RunConfig& ConfigOf(const Results& results,
                                const ResultCell& cell) {
  return results.runs[cell.runs[0]].planned.config;
}

// What points measure of a set, in any run.
const MetricRecord* AnyMetric(const Results& results, const std::string& split,
                              const std::string& set) {
  for (const CollectedRun& run : results.runs) {
    if (!run.ok()) continue;
    const MetricRecord* metric = MetricAtPoints(*run.record, split, set);
    if (metric != nullptr) return metric;
  }
  return nullptr;
}

std::vector<std::string> SetsAtPoints(const Results& results,
                                      const std::string& split) {
  std::vector<std::string> sets;
  for (const CollectedRun& run : results.runs) {
    if (!run.ok()) continue;
    for (const EvalRecord& eval : run.record->evals) {
      if (eval.split == split &&
          std::find(sets.begin(), sets.end(), eval.task) == sets.end()) {
        sets.push_back(eval.task);
      }
    }
  }
  return sets;
}

// The p-th point of every seed's way, of one set. Ways from the base model
// begin at one point, those of a sequence's last round at one a seed.
std::optional<Estimate> AtPoint(const Ways& ways, size_t p,
                                const std::string& set, bool from_base,
                                const std::string& salt) {
  std::vector<SeedContrast> seeds;
  for (const auto& [seed, way] : ways) {
    if (p >= way.size()) continue;
    const auto score = way[p].scores.find(set);
    if (score == way[p].scores.end()) continue;
    seeds.push_back({{{score->second, 1}}});
    if (p == 0 && from_base) break;
  }
  return EstimateOf(seeds, absl::StrCat(salt, "\npoint ", p, "\n", set));
}

// The smallest point of a way whose loss is within a standard error of the
// end's; nullopt where the end's has none.
std::optional<size_t> ReportedPoint(const Ways& ways, const std::string& target,
                                    const std::string& salt) {
  const size_t n = ways.begin()->second.size();
  const auto end = AtPoint(ways, n - 1, target, /*from_base=*/true, salt);
  if (!end.has_value() || std::isnan(end->standard_error)) return std::nullopt;
  for (size_t p = 0; p + 1 < n; ++p) {
    const auto here = AtPoint(ways, p, target, /*from_base=*/true, salt);
    if (here.has_value() && here->value <= end->value + end->standard_error) {
      return p;
    }
  }
  return n - 1;
}

Table PointTable(const Results& results, const std::string& split,
                 const std::string& title, const std::string& at) {
  Table table;
  table.title = title;
  table.columns = {{.key = "row", .title = "row", .is_text = true},
                   {.key = at, .title = at, .is_text = true},
                   {.key = "seeds", .title = "seeds", .may_be_note = true}};
  const std::vector<std::string> sets = SetsAtPoints(results, split);
  for (const std::string& set : sets) {
    const MetricRecord* metric = AnyMetric(results, split, set);
    table.columns.push_back(
        {.key = absl::StrCat(set, "_", metric->name),
         .title = absl::StrCat(
             set, " ", metric->name, " (", ScaleOf(metric->unit), ", ",
             metric->higher_is_better ? "higher" : "lower", " is better)"),
         .digits = DigitsOf(metric->unit),
         .has_interval = true});
  }
  const bool is_rewound = split == "rewind";
  if (is_rewound) {
    table.columns.push_back(
        {.key = "reported", .title = "reported", .is_text = true});
  }
  for (const ResultCell& cell : results.cells) {
    const Ways ways = WaysOf(results, cell, split);
    if (ways.empty()) continue;
    const std::string salt = FirstRun(results, cell) + split;
    const bool from_base =
        is_rewound || ConfigOf(results, cell).train.size() == 1;
    const std::vector<WayPoint>& first = ways.begin()->second;
    const std::optional<size_t> reported =
        is_rewound
            ? ReportedPoint(ways, TargetOf(ConfigOf(results, cell)), salt)
            : std::nullopt;
    for (size_t p = 0; p < first.size(); ++p) {
      std::vector<TableCell> row = {
          {.text = CellLabel(results, cell)},
          {.text = p == 0                  ? (from_base ? "base" : "before")
                   : p + 1 == first.size() ? "end"
                                           : absl::StrCat(first[p].at)},
          NumberCell(static_cast<double>(ways.size()))};
      for (const std::string& set : sets) {
        row.push_back(WithInterval(AtPoint(ways, p, set, from_base, salt)));
      }
      if (is_rewound) row.push_back({.text = p == reported ? "*" : ""});
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

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

std::optional<Estimate> LastOf(const Results& results, const ResultCell& cell,
                               const std::string& set,
                               const std::string& metric,
                               const std::string& split) {
  std::vector<SeedContrast> seeds;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    const EvalRecord* eval = split.empty() ? TestEval(*run.record, set)
                                           : LastEval(*run.record, set, split);
    const std::optional<ModelScore> score = ScoreOf(eval, metric);
    if (score.has_value()) seeds.push_back({{{*score, 1}}});
  }
  return EstimateOf(seeds, absl::StrCat(FirstRun(results, cell), "\n", set,
                                        "\n", metric, "\n", split));
}

}  // namespace

Table CurveTable(const Results& results) {
  return PointTable(results, "curve", "Inside the round", "step");
}

Table RewindTable(const Results& results) {
  return PointTable(results, "rewind", "Rewound: base + alpha (tuned - base)",
                    "alpha");
}

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

Table FrontTable(const Results& results) {
  Table table;
  table.title = "Target against retention";
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

Table DistanceTable(const Results& results) {
  CellTable table(results);
  table.AddText("row", "row", [&](const ResultCell& cell) {
    return CellLabel(results, cell);
  });
  for (const std::string& set : SetsAtPoints(results, "distance")) {
    table.AddCells(
        {.key = set + "_kl_from_base",
         .title = "KL(base || tuned) on " + set + " (nats/token) [95 %]",
         .digits = 4,
         .has_interval = true},
        [&](size_t i) {
          return WithInterval(LastOf(results, results.cells[i], set,
                                     "kl_from_base", "distance"));
        });
  }
  std::set<std::string> names;
  for (const CollectedRun& run : results.runs) {
    if (!run.ok()) continue;
    for (const auto& [name, value] : run.record->facts) {
      if (absl::StartsWith(name, kDistanceFact)) names.insert(name);
    }
  }
  for (const std::string& name : names) {
    std::string title = name.substr(sizeof(kDistanceFact) - 1);
    std::replace(title.begin(), title.end(), '_', ' ');
    table.AddNumber({.key = name,
                     .title = title,
                     .digits = absl::EndsWith(name, "rank") ? 1 : 5,
                     .has_sd = true},
                    [name](const record::RunRecord& record) {
                      return Lookup(record.facts, name);
                    });
  }
  Table made = table.Take();
  made.title = "Distance from the base model";
  std::erase_if(made.rows, [](const std::vector<TableCell>& row) {
    return std::none_of(row.begin() + 1, row.end(), [](const TableCell& cell) {
      return cell.value.has_value();
    });
  });
  return made;
}

}  // namespace sft::analysis
