// The main table of a report: which columns there are, and what fills them.
#include <algorithm>
#include <set>

#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/cost_tables.h"
#include "harness/analysis/rates.h"
#include "harness/analysis/report.h"
#include "harness/analysis/report_notes.h"
#include "harness/analysis/task_columns.h"
#include "harness/core/fields.h"
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
  AddLabelColumns(results, table);
}

// What people rarely look at first.
TableColumn Detail(const std::string& key, const std::string& title) {
  return {.key = key, .title = title, .is_detail = true};
}

TableCell StatusCell(const Results& results, const ResultCell& cell) {
  TableCell made = {.text = StatusOf(results, cell)};
  const bool is_bad =
      std::any_of(cell.runs.begin(), cell.runs.end(), [&](size_t index) {
        const CollectedRun& run = results.runs[index];
        return (!run.ok() && run.state != "pending" && run.standing.empty()) ||
               !Suspicion(results, run).empty();
      });
  if (is_bad) made.tone = Tone::kBad;
  return made;
}

// "the baseline by the same test: full packed".
std::string BaselineRule(const Results& results,
                         const std::vector<Comparison>& comparisons) {
  std::set<std::string> names;
  for (const Comparison& one : comparisons) {
    if (one.against != "baseline" || one.is_retained) continue;
    names.insert(CellLabel(results, results.cells[one.other]));
  }
  return names.size() == 1
             ? absl::StrCat("the baseline by the same test: ", *names.begin(),
                            ".")
             : "the row's own baseline by the same test.";
}

// What the marks say that stand in the table.
void NoteMarks(const Results& results,
               const std::vector<Comparison>& comparisons, Table& table) {
  bool has_star = false, has_better = false, has_worse = false;
  for (const auto& row : table.rows) {
    for (const TableCell& cell : row) {
      has_star = has_star || cell.mark == kDiffersMark;
      has_better = has_better || cell.mark == kBetterMark;
      has_worse = has_worse || cell.mark == kWorseMark;
    }
  }
  if (has_star) {
    table.notes.push_back(absl::StrCat(
        kDiffersMark, " differs from the untuned model (Holm's p at most ",
        CanonicalText(kFamilyLevel), ")."));
  }
  const std::string baseline = BaselineRule(results, comparisons);
  if (has_better) {
    table.notes.push_back(absl::StrCat(kBetterMark, " better than ", baseline));
  }
  if (has_worse) {
    table.notes.push_back(absl::StrCat(kWorseMark, " worse than ", baseline));
  }
}

}  // namespace

Table MainTable(const Results& results,
                const std::vector<Comparison>& comparisons) {
  CellTable table(results);
  AddLabels(results, table);
  table.AddCells(
      {.key = "seeds", .title = "seeds", .may_be_note = true}, [&](size_t i) {
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
  table.AddNumber(Detail("optimizer_steps", "steps"), Fact("optimizer_steps"));
  table.AddNumber(Detail("real_tokens", "real tokens"), Fact("real_tokens"));
  table.AddNumber(Detail("target_tokens", "target tokens"),
                  Fact("target_tokens"));
  const bool unlike = HasUnlikeProcessors(results);
  table.AddCells({.key = "tokens_per_second", .title = "tokens/s"},
                 [&](size_t i) { return RateCell(results, i, unlike); });
  table.AddCells(
      {.key = "status",
       .title = "status",
       .is_text = true,
       .may_be_note = true},
      [&](size_t i) { return StatusCell(results, results.cells[i]); });
  Table made = table.Take();
  NoteMarks(results, comparisons, made);
  return made;
}

}  // namespace sft::analysis
