// A run from its config to a published record, whatever becomes of it.
#ifndef HARNESS_LAUNCH_EXECUTE_RUN_H_
#define HARNESS_LAUNCH_EXECUTE_RUN_H_

#include "absl/status/statusor.h"
#include "harness/launch/workbench.h"
#include "harness/launch/worker_options.h"
#include "harness/launch/worker_outcome.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

// Errors are of the launcher's kind (the record cannot be written); what goes
// wrong in the run itself becomes its record. What stands is not made again.
absl::StatusOr<WorkerOutcome> ExecuteRun(const Workbench& bench,
                                         const spec::PlannedRun& run,
                                         const spec::RunPlan& plan,
                                         const WorkerOptions& options);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_EXECUTE_RUN_H_
