#include "harness/analysis/task_columns.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "harness/analysis/comparison_families.h"
#include "harness/metrics/metrics.h"

namespace sft::analysis {
namespace {

const Comparison* AgainstUntuned(const std::vector<Comparison>& comparisons,
                                 size_t cell, const std::string& task) {
  // They are in this order (CompareAll).
  auto one = std::partition_point(
      comparisons.begin(), comparisons.end(), [cell](const Comparison& other) {
        return other.against == "untuned" && other.cell < cell;
      });
  for (; one != comparisons.end() && one->cell == cell; ++one) {
    if (one->task == task && one->against == "untuned") return &*one;
  }
  return nullptr;
}

TableCell Starred(TableCell cell, const Comparison& one) {
  if (IsDecided(one)) cell.mark = kDiffersMark;
  return cell;
}

// A score, by the test of its cell against the baseline.
void MarkAgainstBaseline(const std::vector<Comparison>& comparisons,
                         size_t cell, const std::string& task,
                         TableCell& score) {
  const auto one = std::find_if(
      comparisons.begin(), comparisons.end(), [&](const Comparison& other) {
        return other.against == "baseline" && other.cell == cell &&
               other.task == task;
      });
  if (one == comparisons.end() || !IsDecided(*one)) return;
  score.tone = ToneOf(*one);
  score.mark = score.tone == Tone::kGood ? kBetterMark : kWorseMark;
}

bool AnyCell(const Results& results, const std::function<bool(size_t)>& is) {
  for (size_t i = 0; i < results.cells.size(); ++i) {
    if (is(i)) return true;
  }
  return false;
}

ValueOfRun ValueOf(const std::string& task, const std::string& split,
                   const std::string& name) {
  return [=](const record::RunRecord& record) -> std::optional<double> {
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

// "macro F1 (0–1)": what people call it, and its scale.
std::string TitleOf(const MetricRecord& metric, const std::string& split) {
  const metrics::Metric* row = metrics::FindMetric(metric.name);
  const std::string title =
      row == nullptr ? metric.name : metrics::TitleOf(*row, split);
  if (metric.unit.empty() || metric.unit == "1") return title;
  return absl::StrCat(title, " (", ScaleOf(metric.unit), ")");
}

void AddHolmColumn(const std::string& key, const std::string& title,
                   const std::function<const Comparison*(size_t)>& find,
                   CellTable& table) {
  table.AddCells(
      {.key = key, .title = title, .is_p_value = true, .is_detail = true},
      [&](size_t i) {
        const Comparison* one = find(i);
        return one == nullptr ? TableCell() : HolmCell(*one);
      });
}

// The change that a record names, else that of its primary metric.
ValueOfRun ChangeOf(const std::string& task, const MetricRecord* primary) {
  const std::string name =
      primary == nullptr ? "" : task + "/" + primary->name + "_change";
  return
      [task, name](const record::RunRecord& record) -> std::optional<double> {
        // The untuned model is what others are held against: its change is 0.
        if (record.config.method == spec::kUntuned) return 0.0;
        const auto it = record.forgetting.find(name);
        if (it != record.forgetting.end()) return it->second;
        for (const auto& [measure, value] : record.forgetting) {
          if (name.empty() && absl::StartsWith(measure, task + "/") &&
              absl::EndsWith(measure, "_change")) {
            return value;
          }
        }
        return std::nullopt;
      };
}

// Records from before retained tasks kept their scores have a change alone.
std::string MeasureOf(const Results& results, const std::string& task,
                      const MetricRecord* primary) {
  if (primary != nullptr) return primary->name;
  for (const CollectedRun& run : results.runs) {
    if (!run.record.has_value()) continue;
    for (const auto& [measure, value] : run.record->forgetting) {
      if (absl::StartsWith(measure, task + "/") &&
          absl::EndsWith(measure, "_change")) {
        const size_t at = task.size() + 1;
        return measure.substr(at, measure.size() - at - 7);
      }
    }
  }
  return "";
}

}  // namespace

int DigitsOf(const std::string& unit) {
  if (unit == "percent") return 2;
  return unit == "fraction" ? 3 : 4;
}

std::string ScaleOf(const std::string& unit) {
  if (unit == "percent")
    return "0\xe2\x80\x93"
           "100";
  if (unit == "fraction")
    return "0\xe2\x80\x93"
           "1";
  return unit.empty() ? "1" : unit;
}

bool IsDecided(const Comparison& comparison) {
  return !std::isnan(comparison.holm_p) && comparison.holm_p <= kFamilyLevel;
}

Tone ToneOf(const Comparison& comparison) {
  if (!IsDecided(comparison)) return Tone::kPlain;
  return comparison.gain > 0 ? Tone::kGood : Tone::kBad;
}

TableCell GainCell(const Comparison& comparison) {
  TableCell cell = NumberCell(comparison.gain);
  const Interval& interval = comparison.interval;
  if (!std::isnan(interval.low)) cell.interval = interval;
  return cell;
}

TableCell HolmCell(const Comparison& one) {
  if (!one.is_asked_for) return {};
  if (std::isnan(one.holm_p)) return {.text = Verdict(one)};
  TableCell cell = NumberCell(one.holm_p);
  cell.is_at_most = one.p_is_floor;
  if (one.claim == Claim::kTheseModels) cell.note = ClaimName(one.claim);
  return cell;
}

void AddTaskColumns(const Results& results, const std::string& task,
                    const std::string& prefix,
                    const std::vector<Comparison>& comparisons,
                    CellTable& table) {
  const MetricRecord* found = PrimaryMetric(results, task);
  const std::string primary = found == nullptr ? "" : found->name;
  const auto add_metric = [&](const MetricRecord& metric,
                              const std::string& split) {
    table.AddNumber({.key = task + "_" + metric.name,
                     .title = prefix + TitleOf(metric, split),
                     .digits = DigitsOf(metric.unit),
                     .has_sd = true,
                     .is_detail = metric.name != primary},
                    ValueOf(task, split, metric.name));
  };
  std::vector<MetricRecord> metrics = MetricsOf(results, task, "test");
  std::stable_partition(
      metrics.begin(), metrics.end(),
      [&](const MetricRecord& metric) { return metric.name == primary; });
  for (const MetricRecord& metric : metrics) {
    add_metric(metric, "test");
    if (metric.name != primary) continue;
    table.ChangeLast([&](size_t i, TableCell& cell) {
      MarkAgainstBaseline(comparisons, i, task, cell);
    });
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
                     return one == nullptr ? TableCell()
                                           : Starred(GainCell(*one), *one);
                   });
    AddHolmColumn(task + "_holm_p", prefix + "Holm p vs untuned", find, table);
    table.AddCells(
        {.key = task + "_items", .title = prefix + "items", .is_detail = true},
        [&](size_t i) {
          const Comparison* one = find(i);
          return one == nullptr ? TableCell()
                                : NumberCell(static_cast<double>(one->n_items));
        });
  }
  // What cells are selected by. Its key is the metric's: test rows go first.
  const auto selects = [](const MetricRecord& metric) {
    const metrics::Metric* row = metrics::FindMetric(metric.name);
    return row != nullptr && row->selects_cells;
  };
  if (std::any_of(metrics.begin(), metrics.end(), selects)) return;
  for (const MetricRecord& metric : MetricsOf(results, task, "validation")) {
    if (selects(metric)) add_metric(metric, "validation");
  }
}

void AddRetainedColumns(const Results& results, const std::string& task,
                        const std::vector<Comparison>& comparisons,
                        CellTable& table) {
  const MetricRecord* primary = PrimaryMetric(results, task);
  const std::string measure = MeasureOf(results, task, primary);
  if (measure.empty()) return;
  std::string name = measure;
  std::replace(name.begin(), name.end(), '_', ' ');
  name += " " + task;
  if (primary != nullptr) {
    table.AddNumber(
        {.key = task + "_" + measure,
         .title = name + " (" + ScaleOf(primary->unit) + ")",
         .digits = DigitsOf(primary->unit),
         .has_sd = true,
         .is_detail = true},
        [&](const record::RunRecord& record) -> std::optional<double> {
          const MetricRecord* metric =
              FindMetric(TestEval(record, task), measure);
          if (metric == nullptr) return std::nullopt;
          return metric->value;
        });
  }
  const auto find = [&](size_t i) {
    return AgainstUntuned(comparisons, i, task);
  };
  const metrics::Metric* row = metrics::FindMetric(measure);
  const bool lower = primary != nullptr
                         ? !primary->higher_is_better
                         : row != nullptr && !row->higher_is_better;
  TableColumn column;
  column.key = task + "_" + measure + "_change";
  column.title = absl::StrCat("\xce\x94 ", name, " [95 %] (",
                              lower ? "above" : "below", " 0 is worse)");
  column.digits = primary == nullptr ? 4 : std::max(3, DigitsOf(primary->unit));
  column.has_sd = true;
  column.has_interval = true;
  column.show_sign = true;
  table.AddNumber(column, ChangeOf(task, primary),
                  [&](size_t i) -> std::optional<Interval> {
                    const Comparison* one = find(i);
                    if (one == nullptr || std::isnan(one->interval.low)) {
                      return std::nullopt;
                    }
                    const Interval& gain = one->interval;
                    return lower ? Interval{-gain.high, -gain.low} : gain;
                  });
  table.ChangeLast([&](size_t i, TableCell& cell) {
    const Comparison* one = find(i);
    if (one != nullptr) cell = Starred(std::move(cell), *one);
  });
  if (!AnyCell(results, find)) return;
  AddHolmColumn(task + "_" + measure + "_holm_p", "Holm p of \xce\x94 " + task,
                find, table);
}

}  // namespace sft::analysis
