#include "harness/analysis/point_tables.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/cell_ways.h"
#include "harness/analysis/task_columns.h"

namespace sft::analysis {
namespace {

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

}  // namespace

Table CurveTable(const Results& results) {
  return PointTable(results, "curve", "Inside the round", "step");
}

Table RewindTable(const Results& results) {
  return PointTable(results, "rewind", "Rewound: base + alpha (tuned - base)",
                    "alpha");
}

}  // namespace sft::analysis
