#include "harness/launch/task.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "absl/time/clock.h"
#include "harness/core/status.h"
#include "harness/record/run_store.h"

namespace sft::launch {
namespace {

// False if it was asked to stop meanwhile.
bool WaitForOthersUntuned(const record::RunStore& store,
                          const spec::RunPlan& plan,
                          const std::vector<std::string>& wanted,
                          const std::function<int()>& interrupts,
                          absl::Duration poll) {
  for (const spec::PlannedRun& run : plan.runs) {
    const bool is_own =
        std::find(wanted.begin(), wanted.end(), run.run_id) != wanted.end();
    if (!spec::IsUntuned(run) || is_own) continue;
    bool said = false;
    while (!store.IsFinal(run.run_id) && store.IsLocked(run.run_id)) {
      if (interrupts() > 0) return false;
      if (!said) {
        fprintf(stderr, "waiting for the untuned run %s of another process\n",
                run.run_id.c_str());
        said = true;
      }
      absl::SleepFor(poll);
    }
  }
  return true;
}

}  // namespace

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
                                const std::vector<std::string>& wanted,
                                const LaunchOptions& options,
                                const std::function<int()>& interrupts,
                                absl::Duration poll) {
  const record::RunStore store(options.paths);
  if (!WaitForOthersUntuned(store, plan, wanted, interrupts, poll)) {
    return TaskEnd::kPutBack;
  }
  SFT_ASSIGN_OR_RETURN(const LaunchSummary summary,
                       RunSweepOn(pool, plan, options, interrupts));
  const bool all_stand = std::all_of(
      wanted.begin(), wanted.end(),
      [&store](const std::string& run_id) { return store.IsFinal(run_id); });
  if (all_stand) return TaskEnd::kDone;
  return summary.interrupted || summary.timed_out > 0 || summary.disk_full
             ? TaskEnd::kPutBack
             : TaskEnd::kFailed;
}

absl::StatusOr<TaskEnd> RunSearchTask(const MakePool& make_pool,
                                      const spec::RunPlan& plan,
                                      const std::vector<std::string>& wanted,
                                      int last_rung,
                                      const LaunchOptions& options,
                                      const std::function<int()>& interrupts,
                                      absl::Duration poll) {
  const record::RunStore store(options.paths);
  SearchRequest request;
  request.last_rung = last_rung;
  request.own.emplace(wanted.begin(), wanted.end());
  std::set<std::string> untuned;
  for (const spec::PlannedRun& run : plan.runs) {
    if (request.own->contains(run.run_id)) untuned.insert(run.untuned_id);
  }
  spec::RunPlan needed;
  for (const spec::PlannedRun& run : plan.runs) {
    if (untuned.contains(run.run_id)) needed.runs.push_back(run);
  }
  if (!WaitForOthersUntuned(store, needed, wanted, interrupts, poll)) {
    return TaskEnd::kPutBack;
  }
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
