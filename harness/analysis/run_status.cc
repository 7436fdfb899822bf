#include "harness/analysis/run_status.h"

#include <algorithm>
#include <utility>

#include "harness/analysis/collected_records.h"
#include "harness/analysis/search_states.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/record/manifest_store.h"
#include "harness/spec/plan_text.h"

namespace sft::analysis {
namespace {

void Decide(const record::RunStore& store, const FoundRecord* found,
            RunState& state) {
  bool is_final = false;
  if (found != nullptr) {
    state.detail = found->state;
    if (found->record.has_value() && !found->record->status_message.empty()) {
      absl::StrAppend(&state.detail, ": ", found->record->status_message);
    }
    if (found->attempt > 0) {
      state.detail =
          absl::StrCat("attempt ", found->attempt, ": ", state.detail);
    }
    is_final = found->attempt == 0 && found->record.has_value();
  }
  if (is_final) {
    state.state = "done";
    return;
  }
  state.progress =
      record::ReadProgressFile(store.paths().Progress(state.run_id));
  if (store.IsLocked(state.run_id)) {
    state.state = "running";
  } else if (found != nullptr) {
    state.state = "failed";
  } else {
    state.state = store.IsBegun(state.run_id) ? "interrupted" : "waiting";
  }
}

// What a search says of a run that nobody is at.
void TakeSearch(const SearchState& search, RunState& state) {
  using Verdict = search::Standing::Verdict;
  if (state.state == "done" || state.state == "running") return;
  if (search.standing.verdict == Verdict::kStopped) {
    state.state = "stopped";
    state.detail = search.text;
  } else if (search.standing.verdict == Verdict::kWaits) {
    state.state = "waiting";
    state.waits_at_rung = true;
    state.detail = absl::StrCat(search.text, ": others of it are missing");
  }
}

int& CountOf(const std::string& state, StatusTable& table) {
  if (state == "done") return table.done;
  if (state == "failed") return table.failed;
  if (state == "running") return table.running;
  if (state == "stopped") return table.stopped;
  return state == "interrupted" ? table.interrupted : table.waiting;
}

std::string StepText(const record::RunProgress& progress) {
  if (progress.step == 0 && progress.steps == 0) return "";
  return progress.steps > 0 ? absl::StrCat(progress.step, "/", progress.steps)
                            : absl::StrCat(progress.step);
}

}  // namespace

absl::StatusOr<StatusTable> ReadStatus(const std::string& dir,
                                       const StatusTable* before) {
  const record::RunStore store(record::RunPaths{dir});
  SFT_ASSIGN_OR_RETURN(const std::vector<spec::RunPlan> plans,
                       record::ReadFolderPlans(dir, /*later=*/{}));
  const spec::RunPlan plan =
      plans.size() == 1 ? plans[0] : spec::UnitePlans(plans);
  std::map<std::string, const RunState*> known;
  if (before != nullptr) {
    for (const RunState& run : before->runs) {
      if (run.state == "done") known.emplace(run.run_id, &run);
    }
  }
  CollectedRecords records;
  if (IsFolder(store.paths().Runs())) {
    SFT_ASSIGN_OR_RETURN(
        records, CollectRecords(dir, [&known](const std::string& run_id) {
          return !known.contains(run_id);
        }));
  }
  // What is not read again is done, and says all that it did.
  for (const auto& [run_id, run] : known) {
    FoundRecord done;
    done.state = run->detail;
    done.record.emplace();
    done.record->status = run->detail.rfind("diverged", 0) == 0
                              ? RunStatus::kDiverged
                              : RunStatus::kOk;
    records.by_run.emplace(run_id, std::move(done));
  }
  SFT_ASSIGN_OR_RETURN(const auto searched, SearchStatesOf(plans, records));
  StatusTable table;
  for (const spec::PlannedRun& run : plan.runs) {
    RunState state;
    if (const auto done = known.find(run.run_id); done != known.end()) {
      state = *done->second;
    } else {
      state.run_id = run.run_id;
      state.axes = run.axes;
      const auto it = records.by_run.find(run.run_id);
      Decide(store, it == records.by_run.end() ? nullptr : &it->second, state);
      const auto search = searched.find(run.run_id);
      if (search != searched.end()) TakeSearch(search->second, state);
    }
    ++CountOf(state.state, table);
    table.runs.push_back(std::move(state));
  }
  return table;
}

RunState StateOfRun(const record::RunStore& store, const std::string& run_id,
                    const absl::StatusOr<record::RunRecord>& last) {
  RunState state;
  state.run_id = run_id;
  if (absl::IsNotFound(last.status())) {
    if (const auto rung = store.ReadLastRung(run_id); rung.ok()) {
      Decide(store, nullptr, state);
      if (state.state != "running") state.state = "stopped";
      state.detail = rung->status_message;
      return state;
    }
    Decide(store, nullptr, state);
    return state;
  }
  FoundRecord found;
  found.state = "damaged";
  if (last.ok()) {
    found.state = std::string(record::RunStatusName(last->status));
    found.record = *last;
  }
  if (!store.Stands(run_id)) found.attempt = store.CountAttempts(run_id);
  Decide(store, &found, state);
  return state;
}

std::vector<std::vector<std::string>> StatusRows(const StatusTable& table,
                                                 absl::Time now) {
  std::vector<std::vector<std::string>> rows = {
      {"run", "state", "phase", "step", "left", "said", "axes", "detail"}};
  for (const RunState& run : table.runs) {
    std::string phase, step, left, said;
    if (run.progress.has_value()) {
      const record::RunProgress& progress = run.progress->progress;
      phase = progress.phase;
      step = StepText(progress);
      if (run.state == "running" && progress.phase == "train" &&
          progress.steps > 0) {
        left = FormatSeconds(progress.seconds_left);
      }
      const double seconds = absl::ToDoubleSeconds(now - run.progress->when);
      said = FormatSeconds(std::max(seconds, 0.0)) + " ago";
    }
    rows.push_back({run.run_id, run.state, phase, step, left, said,
                    spec::AxesText(run.axes), run.detail});
  }
  return rows;
}

std::string StatusCounts(const StatusTable& table) {
  std::string text =
      absl::StrCat(table.done, " done, ",
                   table.stopped > 0
                       ? absl::StrCat(table.stopped, " stopped by the search, ")
                       : "",
                   table.failed, " failed, ", table.running, " running, ",
                   table.interrupted, " interrupted, ", table.waiting,
                   " waiting, ", table.runs.size(), " in all");
  if (table.running == 0 && table.interrupted > 0) {
    absl::StrAppend(&text, "; the same 'sftbench run' continues");
  }
  return text;
}

}  // namespace sft::analysis
