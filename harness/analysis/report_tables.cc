// The main table of a report: which columns there are, and what fills them.
#include <algorithm>

#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/rates.h"
#include "harness/analysis/report.h"
#include "harness/analysis/report_notes.h"
#include "harness/analysis/task_columns.h"
#include "harness/core/status.h"

namespace sft::analysis {
namespace {

ValueOfRun Fact(const std::string& name) {
  return [name](const record::RunRecord& record) {
    return Lookup(record.facts, name);
  };
}

std::string StatusOf(const Results& results, const ResultCell& cell) {
  std::vector<std::pair<std::string, int>> counts;
  for (const size_t index : cell.runs) {
    const std::string& state = results.runs[index].state;
    const auto it =
        std::find_if(counts.begin(), counts.end(),
                     [&](const auto& one) { return one.first == state; });
    if (it == counts.end()) {
      counts.emplace_back(state, 1);
    } else {
      ++it->second;
    }
  }
  std::string text;
  for (const auto& [state, n] : counts) {
    absl::StrAppend(&text, text.empty() ? "" : ", ");
    if (counts.size() > 1) absl::StrAppend(&text, n, " ");
    absl::StrAppend(&text, state);
  }
  const std::string& standing = results.runs[cell.runs[0]].standing;
  if (counts.size() == 1 && !standing.empty()) {
    absl::StrAppend(&text, " at ", standing);
  }
  const auto suspects =
      std::count_if(cell.runs.begin(), cell.runs.end(), [&](size_t index) {
        return !Suspicion(results, results.runs[index]).empty();
      });
  if (suspects > 0) absl::StrAppend(&text, " (", suspects, " suspect)");
  return text;
}

void AddLabels(const Results& results, CellTable& table) {
  if (!results.select_by.empty()) {
    table.AddText("selected", "sel.", [](const ResultCell& cell) {
      return std::string(cell.is_selected ? "*" : "");
    });
  }
  std::vector<std::string> names = {"method", "batching"};
  names.insert(names.end(), results.axis_names.begin(),
               results.axis_names.end());
  for (const std::string& name : names) {
    table.AddText(name, name, [name](const ResultCell& cell) {
      // Nothing is batched for training where nothing is trained.
      if (cell.is_untuned && name == "batching") return std::string();
      const auto it = cell.axes.find(name);
      return it == cell.axes.end() ? std::string() : it->second;
    });
  }
}

}  // namespace

Table MainTable(const Results& results,
                const std::vector<Comparison>& comparisons) {
  CellTable table(results);
  AddLabels(results, table);
  table.AddCells({.key = "seeds", .title = "seeds"}, [&](size_t i) {
    const std::vector<size_t>& runs = results.cells[i].runs;
    return NumberCell(static_cast<double>(
        std::count_if(runs.begin(), runs.end(),
                      [&](size_t r) { return results.runs[r].ok(); })));
  });
  const std::vector<std::string> tasks = EvaluatedTasks(results);
  const auto prefix = [&](const std::string& task) {
    return tasks.size() == 1 ? std::string() : task + " ";
  };
  for (const std::string& task : tasks) {
    AddTaskColumns(results, task, prefix(task), comparisons, table);
  }
  for (const std::string& task : RetainedTasks(results)) {
    AddRetainedColumns(results, task, comparisons, table);
  }
  table.AddNumber({.key = "peak_memory_mib", .title = "peak memory (MiB)"},
                  PeakMebibytes);
  table.AddNumber({.key = "trainable_parameters", .title = "trainable params"},
                  Fact("trainable_parameters"));
  table.AddNumber({.key = "optimizer_steps", .title = "steps"},
                  Fact("optimizer_steps"));
  table.AddNumber({.key = "real_tokens", .title = "real tokens"},
                  Fact("real_tokens"));
  table.AddNumber({.key = "target_tokens", .title = "target tokens"},
                  Fact("target_tokens"));
  const bool unlike = HasUnlikeProcessors(results);
  table.AddCells({.key = "tokens_per_second", .title = "tokens/s"},
                 [&](size_t i) { return RateCell(results, i, unlike); });
  table.AddText("status", "status", [&](const ResultCell& cell) {
    return StatusOf(results, cell);
  });
  return table.Take();
}

}  // namespace sft::analysis
