#include "harness/analysis/comparison_families.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/comparability.h"
#include "harness/analysis/item_sums.h"
#include "harness/analysis/selection.h"
#include "harness/core/parallel_for.h"

namespace sft::analysis {
namespace {

std::vector<std::string> TasksOf(
    const Results& results, std::vector<std::string> spec::RunConfig::*names) {
  std::vector<std::string> tasks;
  for (const CollectedRun& run : results.runs) {
    for (const std::string& task : run.planned.config.*names) {
      if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) {
        tasks.push_back(task);
      }
    }
  }
  return tasks;
}

// Those of `wanted` that their records have the numbers for. Each draws from a
// stream of its own, so that threads change nothing.
std::vector<Comparison> Compared(const Results& results,
                                 const std::vector<Comparison>& wanted) {
  std::vector<std::optional<Comparison>> found(wanted.size());
  ParallelFor(wanted.size(), [&](size_t i) {
    const Comparison& one = wanted[i];
    found[i] = CompareCells(results, one.cell, one.other, one.task, one.metric);
    if (!found[i].has_value()) return;
    found[i]->against = one.against;
    found[i]->is_retained = one.is_retained;
    found[i]->is_asked_for = one.is_asked_for;
  });
  std::vector<Comparison> all;
  for (std::optional<Comparison>& one : found) {
    if (one.has_value()) all.push_back(*std::move(one));
  }
  return all;
}

void AdjustFamily(bool is_retained, std::vector<Comparison>& all) {
  std::vector<double> p_values;
  const auto is_member = [&](const Comparison& one) {
    return one.is_asked_for && one.is_retained == is_retained;
  };
  for (const Comparison& one : all) {
    if (is_member(one)) p_values.push_back(one.p);
  }
  const std::vector<double> holm = HolmAdjust(p_values);
  const std::vector<double> fdr = BenjaminiHochbergAdjust(p_values);
  size_t next = 0;
  for (Comparison& one : all) {
    if (!is_member(one)) continue;
    one.holm_p = holm[next];
    one.fdr_p = fdr[next++];
  }
}

}  // namespace

std::vector<Comparison> CompareAll(const Results& results) {
  const bool selects =
      std::any_of(results.cells.begin(), results.cells.end(),
                  [](const ResultCell& cell) { return cell.is_selected; });
  std::vector<std::pair<std::string, bool>> tasks;  // name, retained
  for (std::string& task : EvaluatedTasks(results)) {
    tasks.emplace_back(std::move(task), false);
  }
  for (std::string& task : RetainedTasks(results)) {
    tasks.emplace_back(std::move(task), true);
  }
  std::vector<Comparison> wanted;
  for (const char* against : {"untuned", "baseline"}) {
    const bool is_untuned = std::string(against) == "untuned";
    for (size_t i = 0; i < results.cells.size(); ++i) {
      const ResultCell& cell = results.cells[i];
      const bool is_asked_for = !selects || cell.is_selected;
      if (cell.is_untuned || !(is_asked_for || is_untuned)) continue;
      const std::string& untuned_id =
          results.runs[cell.runs[0]].planned.untuned_id;
      const std::optional<size_t> other =
          is_untuned ? results.CellOf(untuned_id) : BaselineCell(results, cell);
      if (!other.has_value() || *other == i) continue;
      for (const auto& [task, is_retained] : tasks) {
        const MetricRecord* primary = PrimaryMetric(results, task);
        if (primary == nullptr ||
            !WhyIncomparable(results, i, *other, task, primary->name).empty()) {
          continue;
        }
        Comparison one;
        one.cell = i;
        one.other = *other;
        one.task = task;
        one.metric = primary->name;
        one.against = against;
        one.is_retained = is_retained;
        one.is_asked_for = is_asked_for;
        wanted.push_back(std::move(one));
      }
    }
  }
  std::vector<Comparison> all = Compared(results, wanted);
  AdjustFamily(/*is_retained=*/false, all);
  AdjustFamily(/*is_retained=*/true, all);
  return all;
}

std::string Verdict(const Comparison& one) {
  if (!one.is_asked_for) return "";
  if (one.claim == Claim::kTooFewSeeds) {
    return std::string(ClaimName(one.claim));
  }
  if (std::isnan(one.holm_p)) return "nothing varies";
  if (one.holm_p > kFamilyLevel) return "not decided";
  return one.gain > 0 ? "better" : "worse";
}

std::vector<std::string> NotesOnMissingIntervals(const Results& results) {
  std::vector<std::string> tasks = EvaluatedTasks(results);
  const std::vector<std::string> retained = RetainedTasks(results);
  tasks.insert(tasks.end(), retained.begin(), retained.end());
  std::vector<std::string> notes;
  for (const std::string& task : tasks) {
    const MetricRecord* primary = PrimaryMetric(results, task);
    if (primary == nullptr) continue;
    const bool is_missing = std::any_of(
        results.runs.begin(), results.runs.end(), [&](const CollectedRun& run) {
          if (!run.ok()) return false;
          const EvalRecord* eval = TestEval(*run.record, task);
          const MetricRecord* measured = FindMetric(eval, primary->name);
          return measured != nullptr &&
                 !SumsOfItems(*eval, *measured).has_value();
        });
    if (!is_missing) continue;
    notes.push_back(absl::StrCat(
        task, ": ", primary->name,
        " has no interval in some rows: their records do not keep the numbers "
        "of items that it is made of."));
  }
  return notes;
}

std::vector<std::string> EvaluatedTasks(const Results& results) {
  return TasksOf(results, &spec::RunConfig::evaluate);
}

std::vector<std::string> RetainedTasks(const Results& results) {
  const std::vector<std::string> evaluated = EvaluatedTasks(results);
  std::vector<std::string> tasks = TasksOf(results, &spec::RunConfig::retain);
  std::erase_if(tasks, [&](const std::string& task) {
    return std::find(evaluated.begin(), evaluated.end(), task) !=
           evaluated.end();
  });
  return tasks;
}

const MetricRecord* PrimaryMetric(const Results& results,
                                  const std::string& task) {
  for (const CollectedRun& run : results.runs) {
    if (!run.record.has_value()) continue;
    const EvalRecord* eval = TestEval(*run.record, task);
    if (eval != nullptr && !eval->metrics.empty()) return &eval->metrics[0];
  }
  return nullptr;
}

}  // namespace sft::analysis
