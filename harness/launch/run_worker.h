// One run from its config to its record: load, measure the base model, train
// stage by stage, measure, publish. Continues from a checkpoint if there is
// one; the record is the same as if it had never been killed.
#ifndef HARNESS_LAUNCH_RUN_WORKER_H_
#define HARNESS_LAUNCH_RUN_WORKER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "harness/launch/progress.h"
#include "harness/launch/recording_options.h"
#include "harness/launch/run_checkpoint.h"
#include "harness/launch/workbench.h"
#include "harness/launch/worker_outcome.h"
#include "harness/record/run_record.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

struct WorkerOptions : RecordingOptions {
  int attempt = 1;
  // Of the plan's search: the run ends at the end of this rung, with a record
  // of that; 0: at its own end.
  int rung = 0;
  // Lines of what the run does and meets; none: nowhere.
  LogLine log;
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
