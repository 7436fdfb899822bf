// Some runs of a manifest as one task of a batch system. A task is a small
// sweep: its runs and the untuned runs whose scores they read, one after the
// other, each a worker process of its own, so that deaths are recorded and
// memory is one run's. The store says which attempt it is.
#ifndef HARNESS_LAUNCH_TASK_H_
#define HARNESS_LAUNCH_TASK_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/launcher.h"
#include "harness/launch/search_sweep.h"
#include "harness/spec/manifest.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

// The values are exit statuses of `sftbench task`.
enum class TaskEnd {
  kDone = 0,    // every run has a final record, perhaps since before
  kFailed = 1,  // for good: no attempt is left
  // Stopped, out of its time, or the disk is full: what was done is kept, and
  // the same task goes on with it.
  kPutBack = 75,
};

// The runs at these places and, before them, their untuned runs; where each
// stands goes to `manifest_index`.
absl::StatusOr<spec::RunPlan> PlanOfTask(
    const spec::ManifestReader& manifest, const std::vector<size_t>& indices,
    std::map<std::string, size_t>& manifest_index);

// The task's own runs are the options' shared ones: one that another process is
// at (its lock says so) is executed all the same, for which of the two lives is
// not to be known, and the first record stands. Its untuned run is left to
// whoever is at it, and waited for.
absl::StatusOr<TaskEnd> RunTask(WorkerPool& pool, const spec::RunPlan& plan,
                                const LaunchOptions& options,
                                const std::function<int()>& interrupts);

// The same of a plan with a search, which is given whole: the task's runs go as
// far as the standings let them, and not behind `last_rung` (0: any). What
// waits for the runs of other tasks is put back.
absl::StatusOr<TaskEnd> RunSearchTask(const MakePool& make_pool,
                                      const spec::RunPlan& plan, int last_rung,
                                      const LaunchOptions& options,
                                      const std::function<int()>& interrupts);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_TASK_H_
