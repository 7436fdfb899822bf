#include "harness/launch/task.h"

#include <algorithm>
#include <set>
#include <utility>

#include "harness/core/status.h"
#include "harness/record/run_store.h"

namespace sft::launch {

absl::StatusOr<spec::RunPlan> PlanOfTask(
    const spec::ManifestReader& manifest, const std::vector<size_t>& indices,
    std::map<std::string, size_t>& manifest_index) {
  spec::RunPlan plan = manifest.header();
  std::vector<spec::PlannedRun> own;
  for (const size_t index : indices) {
    SFT_ASSIGN_OR_RETURN(spec::PlannedRun run, manifest.Run(index));
    if (!spec::IsUntuned(run) && manifest_index.count(run.untuned_id) == 0) {
      SFT_ASSIGN_OR_RETURN(const size_t at, manifest.IndexOf(run.untuned_id));
      SFT_ASSIGN_OR_RETURN(spec::PlannedRun untuned, manifest.Run(at));
      manifest_index[untuned.run_id] = at;
      plan.runs.push_back(std::move(untuned));
    }
    own.push_back(std::move(run));
  }
  for (size_t i = 0; i < own.size(); ++i) {
    // One that is also another's untuned run stands already.
    if (!manifest_index.emplace(own[i].run_id, indices[i]).second) continue;
    plan.runs.push_back(std::move(own[i]));
  }
  return plan;
}

absl::StatusOr<TaskEnd> RunTask(WorkerPool& pool, const spec::RunPlan& plan,
                                const LaunchOptions& options,
                                const std::function<int()>& interrupts) {
  SFT_ASSIGN_OR_RETURN(const LaunchSummary summary,
                       RunSweepOn(pool, plan, options, interrupts));
  const record::RunStore store(options.paths);
  const bool all_stand = std::all_of(
      options.shared_runs.begin(), options.shared_runs.end(),
      [&store](const std::string& run_id) { return store.IsFinal(run_id); });
  if (all_stand) return TaskEnd::kDone;
  return summary.interrupted || summary.timed_out > 0 || summary.disk_full
             ? TaskEnd::kPutBack
             : TaskEnd::kFailed;
}

absl::StatusOr<TaskEnd> RunSearchTask(const MakePool& make_pool,
                                      const spec::RunPlan& plan, int last_rung,
                                      const LaunchOptions& options,
                                      const std::function<int()>& interrupts) {
  const record::RunStore store(options.paths);
  SearchRequest request;
  request.last_rung = last_rung;
  const std::set<std::string>& wanted = options.shared_runs;
  request.own = wanted;
  SFT_ASSIGN_OR_RETURN(
      const SearchSummary summary,
      RunSearch(plan, request, options, make_pool, interrupts));
  if (summary.runs.interrupted || summary.runs.timed_out > 0 ||
      summary.runs.disk_full || summary.waiting > 0) {
    return TaskEnd::kPutBack;
  }
  const auto standing = std::count_if(
      wanted.begin(), wanted.end(),
      [&store](const std::string& run_id) { return store.IsFinal(run_id); });
  const auto settled = standing + summary.runs.stopped + summary.paused;
  return settled >= std::ssize(wanted) ? TaskEnd::kDone : TaskEnd::kFailed;
}

}  // namespace sft::launch
