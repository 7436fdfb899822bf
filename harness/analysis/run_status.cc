#include "harness/analysis/run_status.h"

#include "harness/analysis/collected_records.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/run_paths.h"
#include "harness/spec/run_plan.h"

namespace sft {
namespace {

void Decide(const FoundRecord* found, bool has_work, RunState& state) {
  if (found == nullptr) {
    state.state = has_work ? "running" : "pending";
    return;
  }
  state.detail = found->state;
  if (found->record.has_value() && !found->record->status_message.empty()) {
    absl::StrAppend(&state.detail, ": ", found->record->status_message);
  }
  const bool is_final = found->attempt == 0 && found->record.has_value();
  state.state = is_final ? "done" : "failed";
  if (found->attempt > 0) {
    state.detail = absl::StrCat("attempt ", found->attempt, ": ", state.detail);
  }
}

}  // namespace

absl::StatusOr<StatusTable> ReadStatus(const std::string& dir) {
  const RunPaths paths{dir};
  SFT_ASSIGN_OR_RETURN(const RunPlan plan, PlanFromJson(paths.Plan()));
  CollectedRecords records;
  if (IsFolder(paths.Runs())) {
    SFT_ASSIGN_OR_RETURN(records, CollectRecords(dir));
  }
  StatusTable table;
  for (const PlannedRun& run : plan.runs) {
    RunState state;
    state.run_id = run.run_id;
    state.axes = run.axes;
    const auto it = records.by_run.find(run.run_id);
    Decide(it == records.by_run.end() ? nullptr : &it->second,
           IsFolder(paths.Work(run.run_id)), state);
    int& count = state.state == "done"      ? table.done
                 : state.state == "failed"  ? table.failed
                 : state.state == "running" ? table.running
                                            : table.pending;
    ++count;
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
    absl::StrAppendFormat(&out, "%s  %-8s%s%s%s%s\n", run.run_id, run.state,
                          axes.empty() ? "" : "  ", axes,
                          run.detail.empty() ? "" : "  ", run.detail);
  }
  absl::StrAppend(&out, table.done, " done, ", table.failed, " failed, ",
                  table.running, " running, ", table.pending, " pending, ",
                  table.runs.size(), " in all\n");
  return out;
}

}  // namespace sft
