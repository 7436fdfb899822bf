#include "harness/analysis/aggregate.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "harness/analysis/collected_records.h"
#include "harness/analysis/search_states.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/metrics/metrics.h"
#include "harness/record/merge.h"
#include "harness/spec/plan_text.h"

namespace sft::analysis {
namespace {

// A plan made up from the records alone, in the order of their configs.
spec::RunPlan PlanOfRecords(const CollectedRecords& records) {
  spec::RunPlan plan;
  std::map<std::string, std::string> untuned;     // config text -> id
  std::map<std::string, spec::PlannedRun> tuned;  // by config text and id
  std::set<std::string> axes;
  for (const auto& [id, found] : records.by_run) {
    if (!found.record.has_value()) continue;
    spec::PlannedRun run;
    run.config = found.record->config;
    run.run_id = id;
    run.axes = found.record->axes;
    const std::string text = run.config.CanonicalConfigText();
    if (run.config.method == spec::kUntuned) {
      untuned[text] = id;
      plan.runs.push_back(std::move(run));
    } else {
      for (const auto& [name, value] : run.axes) axes.insert(name);
      tuned[text + id] = std::move(run);
    }
  }
  for (auto& [text, run] : tuned) {
    const auto it =
        untuned.find(spec::UntunedConfig(run.config).CanonicalConfigText());
    if (it != untuned.end()) run.untuned_id = it->second;
    plan.runs.push_back(std::move(run));
  }
  plan.axis_names.assign(axes.begin(), axes.end());
  return plan;
}

// Of one sweep, or of all that ran into one folder or were merged into a file.
spec::RunPlan UnitedPlan(const std::vector<spec::RunPlan>& plans,
                         std::vector<std::string>& notes) {
  spec::RunPlan united = spec::UnitePlans(plans);
  // A plan whose runs the newest one has too says nothing more.
  if (united.runs.size() > plans.back().runs.size()) {
    notes.push_back(absl::StrCat(
        "The runs come from ", plans.size(),
        " sweeps: question and selection are those of the newest, the baseline "
        "of a run is that of its own."));
  }
  return united;
}

// Axes with more than one value among the tuned cells; method and batching
// have columns of their own.
std::vector<std::string> VaryingAxes(const std::vector<std::string>& names,
                                     const std::vector<ResultCell>& cells) {
  std::vector<std::string> varying;
  for (const std::string& name : names) {
    if (name == "seed" || name == "method" || name == "batching") continue;
    std::set<std::string> values;
    for (const ResultCell& cell : cells) {
      if (cell.is_untuned) continue;
      const auto it = cell.axes.find(name);
      if (it != cell.axes.end()) values.insert(it->second);
    }
    if (values.size() > 1) varying.push_back(name);
  }
  return varying;
}

// Runs of several builds are not to be compared without a word.
void NoteRevisions(Results& results) {
  std::map<std::string, size_t> revisions;
  for (const CollectedRun& run : results.runs) {
    if (!run.record.has_value()) continue;
    const auto& build = run.record->provenance_build;
    const auto revision = build.find("revision");
    const auto dirty = build.find("dirty");
    std::string name =
        revision == build.end() ? "unknown" : revision->second.substr(0, 12);
    if (dirty != build.end() && dirty->second == "true") name += "+changes";
    ++revisions[name];
  }
  if (revisions.size() < 2) return;
  std::string note = "Records come from different revisions of the code:";
  for (const auto& [name, n] : revisions) {
    absl::StrAppend(&note, " ", name, " (", n, ")");
  }
  results.notes.push_back(note);
}

void NoteFailures(Results& results) {
  for (const CollectedRun& run : results.runs) {
    // What a search stopped did not fail.
    if (run.ok() || run.state == "pending" || !run.standing.empty() ||
        !run.record.has_value()) {
      continue;
    }
    results.notes.push_back(absl::StrCat("Run ", run.planned.run_id, " ",
                                         run.state, ": ",
                                         run.record->status_message));
  }
}

// A run that has no record of its end, and has come to a rung of a search.
void TakeStanding(const SearchState& search, CollectedRecords& records,
                  const std::string& run_id, CollectedRun& run) {
  using Verdict = search::Standing::Verdict;
  const Verdict verdict = search.standing.verdict;
  const auto rungs = records.rungs.find(run_id);
  if (run.ok() || rungs == records.rungs.end() ||
      (verdict != Verdict::kStopped && verdict != Verdict::kWaits)) {
    return;
  }
  run.state = verdict == Verdict::kStopped
                  ? std::string(record::RunStatusName(RunStatus::kStopped))
                  : "paused";
  run.standing = search.text;
  run.record = std::move(rungs->second.rbegin()->second);
}

void NoteSearch(Results& results) {
  size_t stopped = 0, tuned = 0;
  for (const CollectedRun& run : results.runs) {
    if (run.planned.config.method == spec::kUntuned) continue;
    ++tuned;
    stopped += run.state == record::RunStatusName(RunStatus::kStopped);
  }
  if (stopped == 0) return;
  results.notes.push_back(absl::StrCat(
      stopped, " of ", tuned,
      " runs were stopped by the search: at the end of the rung that is named "
      "their validation rows were worse than others' of their method. They "
      "have no test score and no part in any comparison."));
}

}  // namespace

std::vector<ResultCell> GroupOverSeeds(const std::vector<CollectedRun>& runs) {
  std::vector<ResultCell> cells;
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < runs.size(); ++i) {
    spec::RunConfig without_seed = runs[i].planned.config;
    without_seed.seed = 0;
    const auto [it, is_new] =
        places.emplace(without_seed.CanonicalConfigText(), cells.size());
    if (is_new) {
      ResultCell cell;
      cell.axes = runs[i].planned.axes;
      cell.axes.erase("seed");
      cell.axes["method"] = runs[i].planned.config.method;
      cell.axes["batching"] = runs[i].planned.config.batching;
      cell.is_untuned = runs[i].planned.config.method == spec::kUntuned;
      cells.push_back(std::move(cell));
    }
    cells[it->second].runs.push_back(i);
  }
  std::stable_partition(cells.begin(), cells.end(),
                        [](const ResultCell& cell) { return cell.is_untuned; });
  return cells;
}

std::optional<double> Lookup(const std::map<std::string, double>& values,
                             const std::string& name) {
  const auto it = values.find(name);
  if (it == values.end()) return std::nullopt;
  return it->second;
}

void Results::IndexRuns() {
  for (size_t i = 0; i < cells.size(); ++i) {
    for (const size_t run : cells[i].runs) {
      places_.emplace(runs[run].planned.run_id, RunPlace{run, i});
    }
  }
}

const CollectedRun* Results::Find(const std::string& run_id) const {
  const auto it = places_.find(run_id);
  return it == places_.end() ? nullptr : &runs[it->second.run];
}

std::optional<size_t> Results::CellOf(const std::string& run_id) const {
  const auto it = places_.find(run_id);
  if (it == places_.end()) return std::nullopt;
  return it->second.cell;
}

absl::StatusOr<Results> CollectResults(const std::string& dir) {
  SFT_ASSIGN_OR_RETURN(CollectedRecords records, CollectRecords(dir));
  SFT_ASSIGN_OR_RETURN(const std::vector<record::PlanText> plan_texts,
                       record::ReadPlanTexts(dir));
  spec::RunPlan plan;
  std::map<std::string, SearchState> searched;
  if (plan_texts.empty()) {
    plan = PlanOfRecords(records);
    if (plan.runs.empty()) {
      return InputError(dir, "holds no plan and no record");
    }
    records.notes.push_back(
        "No plan is kept beside these records: question, baseline, selection "
        "and runs that are missing are not known.");
  } else {
    SFT_ASSIGN_OR_RETURN(const std::vector<spec::RunPlan> plans,
                         record::PlansOfTexts(plan_texts));
    plan = UnitedPlan(plans, records.notes);
    SFT_ASSIGN_OR_RETURN(searched, SearchStatesOf(plans, records));
  }
  Results results;
  results.question = plan.question;
  results.select_by = plan.select_by;
  results.select_per = plan.select_per;
  results.notes = records.notes;
  for (spec::PlannedRun& planned : plan.runs) {
    CollectedRun run;
    const auto it = records.by_run.find(planned.run_id);
    run.state = it == records.by_run.end() ? "pending" : it->second.state;
    if (it != records.by_run.end()) {
      run.record = std::move(it->second.record);
      records.by_run.erase(it);
    }
    if (const auto one = searched.find(planned.run_id); one != searched.end()) {
      TakeStanding(one->second, records, planned.run_id, run);
    }
    run.planned = std::move(planned);
    results.runs.push_back(std::move(run));
  }
  if (!records.by_run.empty()) {
    results.notes.push_back(absl::StrCat(records.by_run.size(),
                                         " records belong to no run of the "
                                         "plan and are left out."));
  }
  results.cells = GroupOverSeeds(results.runs);
  results.IndexRuns();
  results.axis_names = VaryingAxes(plan.axis_names, results.cells);
  NoteRevisions(results);
  NoteFailures(results);
  NoteSearch(results);
  if (!plan.rejected.empty()) {
    results.notes.push_back(absl::StrCat(
        plan.rejected.size(), " cells of the spec were rejected; the first: ",
        plan.rejected[0].reason));
  }
  return results;
}

const EvalRecord* LastEval(const record::RunRecord& record,
                           const std::string& task, const std::string& split) {
  const EvalRecord* last = nullptr;
  for (const EvalRecord& eval : record.evals) {
    if (eval.task != task || eval.split != split) continue;
    if (last == nullptr || eval.round >= last->round) last = &eval;
  }
  return last;
}

const MetricRecord* FindMetric(const EvalRecord* eval,
                               const std::string& name) {
  if (eval == nullptr) return nullptr;
  for (const MetricRecord& metric : eval->metrics) {
    if (metric.name == name) return &metric;
  }
  return nullptr;
}

const MetricRecord* FindSelectionMetric(const EvalRecord* eval) {
  if (eval == nullptr) return nullptr;
  for (const MetricRecord& metric : eval->metrics) {
    const metrics::Metric* row = metrics::FindMetric(metric.name);
    if (row != nullptr && row->selects_cells) return &metric;
  }
  return nullptr;
}

}  // namespace sft::analysis
