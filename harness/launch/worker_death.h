// What is said of a run whose worker died without a record of its own: memory,
// somebody's kill, a fault. A failed run is a record, never a hole.
#ifndef HARNESS_LAUNCH_WORKER_DEATH_H_
#define HARNESS_LAUNCH_WORKER_DEATH_H_

#include "harness/launch/worker_pool.h"
#include "harness/record/run_record.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

record::RunRecord RecordOfDeath(const spec::PlannedRun& run,
                                const EndedRun& ended);

// What a run that ended with an error is recorded as.
RunStatus StatusOfError(const absl::Status& status);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_WORKER_DEATH_H_
