#include "harness/analysis/run_status.h"

#include <algorithm>
#include <utility>

#include "harness/analysis/collected_records.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/record/manifest_store.h"
#include "harness/spec/run_plan.h"

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

int& CountOf(const std::string& state, StatusTable& table) {
  if (state == "done") return table.done;
  if (state == "failed") return table.failed;
  if (state == "running") return table.running;
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
  SFT_ASSIGN_OR_RETURN(const spec::RunPlan plan, record::ReadFolderPlan(dir));
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
  std::string text = absl::StrCat(
      table.done, " done, ", table.failed, " failed, ", table.running,
      " running, ", table.interrupted, " interrupted, ", table.waiting,
      " waiting, ", table.runs.size(), " in all");
  if (table.running == 0 && table.interrupted > 0) {
    absl::StrAppend(&text, "; the same 'sftbench run' continues");
  }
  return text;
}

}  // namespace sft::analysis
