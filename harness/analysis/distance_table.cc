#include "harness/analysis/distance_table.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/cell_ways.h"
#include "harness/analysis/task_columns.h"

namespace sft::analysis {
namespace {

constexpr char kDistanceFact[] = "distance.";

}  // namespace

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
