#include "harness/analysis/task_columns.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sft {
namespace {

constexpr char kValidationLoss[] = "validation_loss";

const Comparison* AgainstUntuned(const std::vector<Comparison>& comparisons,
                                 size_t cell, const std::string& task) {
  for (const Comparison& one : comparisons) {
    if (one.cell == cell && one.task == task && one.against == "untuned") {
      return &one;
    }
  }
  return nullptr;
}

bool AnyCell(const Results& results, const std::function<bool(size_t)>& is) {
  for (size_t i = 0; i < results.cells.size(); ++i) {
    if (is(i)) return true;
  }
  return false;
}

ValueOfRun ValueOf(const std::string& task, const std::string& split,
                   const std::string& name) {
  return [=](const RunRecord& record) -> std::optional<double> {
    const MetricRecord* metric =
        FindMetric(LastEval(record, task, split), name);
    if (metric == nullptr) return std::nullopt;
    return metric->value;
  };
}

// The metrics of a split, in the order of the records; counts are none.
std::vector<MetricRecord> MetricsOf(const Results& results,
                                    const std::string& task,
                                    const std::string& split) {
  std::vector<MetricRecord> metrics;
  std::set<std::string> names;
  for (const CollectedRun& run : results.runs) {
    if (!run.record.has_value()) continue;
    const EvalRecord* eval = LastEval(*run.record, task, split);
    if (eval == nullptr) continue;
    for (const MetricRecord& metric : eval->metrics) {
      if (metric.unit == "tokens" || !names.insert(metric.name).second) {
        continue;
      }
      metrics.push_back(metric);
    }
  }
  return metrics;
}

int DigitsOf(const std::string& unit) {
  if (unit == "percent") return 2;
  return unit == "fraction" ? 3 : 4;
}

// "macro F1 (0–1)": what people call it, and its scale.
std::string TitleOf(const MetricRecord& metric, const std::string& split) {
  std::string title = metric.name;
  if (title == "f1_macro") title = "macro F1";
  if (title == "validation_loss") title = split + " loss";
  if (metric.unit == "percent")
    return title +
           " (0\xe2\x80\x93"
           "100)";
  if (metric.unit == "fraction")
    return title +
           " (0\xe2\x80\x93"
           "1)";
  if (metric.unit.empty() || metric.unit == "1") return title;
  return absl::StrCat(title, " (", metric.unit, ")");
}

}  // namespace

TableCell GainCell(const Comparison& comparison) {
  TableCell cell = NumberCell(comparison.gain);
  const Interval& interval = comparison.interval;
  if (!std::isnan(interval.low)) cell.interval = interval;
  return cell;
}

void AddTaskColumns(const Results& results, const std::string& task,
                    const std::string& prefix,
                    const std::vector<Comparison>& comparisons,
                    CellTable& table) {
  const auto add_metric = [&](const MetricRecord& metric,
                              const std::string& split) {
    table.AddNumber({.key = task + "_" + metric.name,
                     .title = prefix + TitleOf(metric, split),
                     .digits = DigitsOf(metric.unit),
                     .has_sd = true},
                    ValueOf(task, split, metric.name));
  };
  const std::string primary = PrimaryMetric(results, task);
  std::vector<MetricRecord> metrics = MetricsOf(results, task, "test");
  std::stable_partition(
      metrics.begin(), metrics.end(),
      [&](const MetricRecord& metric) { return metric.name == primary; });
  for (const MetricRecord& metric : metrics) {
    add_metric(metric, "test");
    if (metric.name != primary) continue;
    const auto find = [&](size_t i) {
      return AgainstUntuned(comparisons, i, task);
    };
    if (!AnyCell(results, find)) continue;
    table.AddCells({.key = task + "_gain",
                    .title = prefix + "gain over untuned [95 %]",
                    .digits = DigitsOf(metric.unit),
                    .has_interval = true,
                    .show_sign = true},
                   [&](size_t i) {
                     const Comparison* one = find(i);
                     return one == nullptr ? TableCell() : GainCell(*one);
                   });
    table.AddCells(
        {.key = task + "_items", .title = prefix + "items"}, [&](size_t i) {
          const Comparison* one = find(i);
          return one == nullptr ? TableCell()
                                : NumberCell(static_cast<double>(one->n_items));
        });
  }
  // What cells are selected by. Its key is the metric's: test rows go first.
  const auto is_loss = [](const MetricRecord& metric) {
    return metric.name == kValidationLoss;
  };
  if (std::any_of(metrics.begin(), metrics.end(), is_loss)) return;
  for (const MetricRecord& metric : MetricsOf(results, task, "validation")) {
    if (is_loss(metric)) add_metric(metric, "validation");
  }
}

void AddMcNemarColumn(const Results& results, const std::string& task,
                      const std::string& prefix,
                      const std::vector<Comparison>& comparisons,
                      CellTable& table) {
  const auto find = [&](size_t i) -> const Comparison* {
    const Comparison* one = AgainstUntuned(comparisons, i, task);
    return one != nullptr && one->mcnemar_p.has_value() ? one : nullptr;
  };
  if (!AnyCell(results, find)) return;
  table.AddCells({.key = task + "_mcnemar_p",
                  .title = prefix + "McNemar p vs untuned (wins/losses)",
                  .is_p_value = true},
                 [&](size_t i) {
                   TableCell cell;
                   if (const Comparison* one = find(i); one != nullptr) {
                     cell.value = *one->mcnemar_p;
                     cell.note = absl::StrCat(*one->wins, "/", *one->losses);
                   }
                   return cell;
                 });
}

}  // namespace sft
