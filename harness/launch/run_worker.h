// One run from its config to its record: load, measure the base model, train
// stage by stage, measure, publish. Continues from a checkpoint if there is
// one; the record is the same as if it had never been killed.
#ifndef HARNESS_LAUNCH_RUN_WORKER_H_
#define HARNESS_LAUNCH_RUN_WORKER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "harness/launch/keep_weights.h"
#include "harness/launch/progress.h"
#include "harness/launch/workbench.h"
#include "harness/launch/worker_outcome.h"
#include "harness/record/run_paths.h"
#include "harness/record/run_record.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

struct WorkerOptions {
  record::RunPaths paths;
  int attempt = 1;
  // Of the plan's search: the run ends at the end of this rung, with a record
  // of that; 0: at its own end.
  int rung = 0;
  absl::Duration checkpoint_every = absl::Minutes(2);
  // Of this execution, in wall time; then the run saves and ends.
  absl::Duration run_limit = absl::InfiniteDuration();
  bool keep_text = false;
  KeepWeights keep_weights = KeepWeights::kAdapters;
  std::function<void(const Progress&)> show_progress;
  // True once the run should save and stop; asked often.
  std::function<bool()> should_stop;
};

// Errors are of the launcher's kind (the record cannot be written); what goes
// wrong in the run itself becomes its record. What stands is not made again.
absl::StatusOr<WorkerOutcome> ExecuteRun(const Workbench& bench,
                                         const spec::PlannedRun& run,
                                         const spec::RunPlan& plan,
                                         const WorkerOptions& options);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_WORKER_H_
