#include "harness/analysis/letters.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparability.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/task_columns.h"
#include "harness/core/parallel_for.h"

namespace sft::analysis {
namespace {

double MeanOfCell(const Results& results, const ResultCell& cell,
                  const LetteredTask& task) {
  std::vector<double> values;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    const MetricRecord* metric =
        FindMetric(TestEval(*run.record, task.task), task.metric);
    if (metric != nullptr) values.push_back(metric->value);
  }
  return Mean(values);
}

LetteredTask OrderedCells(const Results& results, const std::string& task,
                          const MetricRecord& primary) {
  LetteredTask one{.task = task,
                   .metric = primary.name,
                   .unit = primary.unit,
                   .higher_is_better = primary.higher_is_better};
  const bool selects =
      std::any_of(results.cells.begin(), results.cells.end(),
                  [](const ResultCell& cell) { return cell.is_selected; });
  std::vector<std::pair<double, size_t>> ranked;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const ResultCell& cell = results.cells[i];
    if (!cell.is_untuned && selects && !cell.is_selected) continue;
    const double mean = MeanOfCell(results, cell, one);
    if (!std::isnan(mean)) ranked.emplace_back(mean, i);
  }
  std::stable_sort(
      ranked.begin(), ranked.end(), [&](const auto& a, const auto& b) {
        return one.higher_is_better ? a.first > b.first : a.first < b.first;
      });
  for (const auto& [mean, cell] : ranked) {
    one.cells.push_back(cell);
    one.means.push_back(mean);
  }
  return one;
}

// Places in a task's order.
struct OrderedPair {
  size_t task, first, second;
};

}  // namespace

std::vector<LetteredTask> LettersOf(const Results& results) {
  std::vector<LetteredTask> tasks;
  std::vector<OrderedPair> pairs;
  for (const std::string& name : EvaluatedTasks(results)) {
    const MetricRecord* primary = PrimaryMetric(results, name);
    if (primary == nullptr) continue;
    tasks.push_back(OrderedCells(results, name, *primary));
    LetteredTask& task = tasks.back();
    if (task.cells.size() > kMostLetteredRows) {
      task.why_none = "too many rows";
      continue;
    }
    for (size_t i = 0; i < task.cells.size(); ++i) {
      for (size_t j = i + 1; j < task.cells.size(); ++j) {
        pairs.push_back({tasks.size() - 1, i, j});
      }
    }
  }
  std::vector<double> p_values(pairs.size(), kNaN);
  std::vector<char> is_tested(pairs.size(), 0);
  ParallelFor(pairs.size(), [&](size_t k) {
    const LetteredTask& task = tasks[pairs[k].task];
    size_t one = task.cells[pairs[k].first];
    size_t other = task.cells[pairs[k].second];
    // The untuned model is every seed's partner.
    if (results.cells[one].is_untuned) std::swap(one, other);
    const RecordPairs seeds =
        PairedRecords(results, results.cells[one], results.cells[other]);
    if (ClaimOf(static_cast<int64_t>(seeds.size())) != Claim::kMethod ||
        !WhyIncomparable(results, one, other, task.task, task.metric).empty()) {
      return;
    }
    const std::optional<Comparison> found =
        CompareCells(results, one, other, task.task, task.metric);
    if (!found.has_value()) return;
    is_tested[k] = 1;
    p_values[k] = found->p;
  });
  std::vector<std::vector<std::vector<bool>>> differ;
  for (const LetteredTask& task : tasks) {
    differ.emplace_back(task.cells.size(),
                        std::vector<bool>(task.cells.size(), false));
  }
  const std::vector<double> adjusted = HolmAdjust(p_values);
  for (size_t k = 0; k < pairs.size(); ++k) {
    const OrderedPair& pair = pairs[k];
    if (is_tested[k] == 0)
      tasks[pair.task].why_none = "fewer than 3 seeds, or not comparable";
    // NaN: nothing varies, and they are alike.
    differ[pair.task][pair.first][pair.second] = adjusted[k] <= kLettersLevel;
  }
  for (size_t t = 0; t < tasks.size(); ++t) {
    if (tasks[t].why_none.empty()) tasks[t].texts = CompactLetters(differ[t]);
  }
  return tasks;
}

Table LettersTable(const Results& results) {
  Table table;
  table.title = "Rows that share a letter are not told apart";
  table.columns = {{.key = "task", .title = "task", .is_text = true},
                   {.key = "row", .title = "row", .is_text = true},
                   {.key = "metric", .title = "metric", .is_text = true},
                   {.key = "mean", .title = "mean", .digits = 4},
                   {.key = "unit", .title = "unit", .is_text = true},
                   {.key = "letters", .title = "letters", .is_text = true}};
  for (const LetteredTask& task : LettersOf(results)) {
    // Of no task whose rows are not tested: a table of excuses says nothing.
    if (task.texts.empty() || task.cells.size() < 2) continue;
    for (size_t i = 0; i < task.cells.size(); ++i) {
      table.rows.push_back(
          {{.text = task.task},
           {.text = CellLabel(results, results.cells[task.cells[i]])},
           {.text = task.metric},
           NumberCell(task.means[i]),
           {.text = ScaleOf(task.unit)},
           {.text = task.texts[i]}});
    }
  }
  return table;
}

}  // namespace sft::analysis
