#include "harness/analysis/run_status.h"

#include "harness/analysis/collected_records.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/manifest_store.h"
#include "harness/record/run_store.h"
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
  } else if (store.IsLocked(state.run_id)) {
    state.state = "running";
  } else if (found != nullptr) {
    state.state = "failed";
  } else {
    state.state = store.IsBegun(state.run_id) ? "interrupted" : "pending";
  }
}

int& CountOf(const std::string& state, StatusTable& table) {
  if (state == "done") return table.done;
  if (state == "failed") return table.failed;
  if (state == "running") return table.running;
  return state == "interrupted" ? table.interrupted : table.pending;
}

}  // namespace

absl::StatusOr<StatusTable> ReadStatus(const std::string& dir) {
  const record::RunStore store(record::RunPaths{dir});
  SFT_ASSIGN_OR_RETURN(const spec::RunPlan plan, record::ReadFolderPlan(dir));
  CollectedRecords records;
  if (IsFolder(store.paths().Runs())) {
    SFT_ASSIGN_OR_RETURN(records, CollectRecords(dir));
  }
  StatusTable table;
  for (const spec::PlannedRun& run : plan.runs) {
    RunState state;
    state.run_id = run.run_id;
    state.axes = run.axes;
    const auto it = records.by_run.find(run.run_id);
    Decide(store, it == records.by_run.end() ? nullptr : &it->second, state);
    ++CountOf(state.state, table);
    table.runs.push_back(std::move(state));
  }
  return table;
}

std::string RenderStatus(const StatusTable& table) {
  std::string out;
  for (const RunState& run : table.runs) {
    std::string axes;
    for (const auto& [name, value] : run.axes) {
      absl::StrAppend(&axes, axes.empty() ? "" : " ", name, "=", value);
    }
    absl::StrAppendFormat(&out, "%s  %-11s%s%s%s%s\n", run.run_id, run.state,
                          axes.empty() ? "" : "  ", axes,
                          run.detail.empty() ? "" : "  ", run.detail);
  }
  absl::StrAppend(&out, table.done, " done, ", table.failed, " failed, ",
                  table.running, " running, ", table.interrupted,
                  " interrupted, ", table.pending, " pending, ",
                  table.runs.size(), " in all\n");
  if (table.running == 0 && table.interrupted > 0) {
    absl::StrAppend(&out, "the same 'sftbench run' continues\n");
  }
  return out;
}

}  // namespace sft::analysis
