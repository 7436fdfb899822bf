// Where a run of a search pauses: at the end of a rung, a share of the run's
// own budget. The schedule is that of the whole run, and so is its checkpoint:
// a run that goes on from there is the run that never paused.
#ifndef HARNESS_LAUNCH_RUNG_PAUSE_H_
#define HARNESS_LAUNCH_RUNG_PAUSE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/launch/run_assembly.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

struct PausePoint {
  int rung = 0;  // from 1; 0: the run does not pause
  int rungs = 0;
  int64_t step = 0;   // after which it does
  int64_t steps = 0;  // of the run

  bool IsAt(int64_t steps_taken) const {
    return rung > 0 && steps_taken == step;
  }
};

// The end of `rung` in a run of the plan's search, whose one stage is
// `planned`: after the first step by which that share of its target tokens is
// trained, so that batching methods stop at like rows, and before the last one.
// FailedPrecondition where there is no such step, or it lies behind the `taken`
// ones.
absl::StatusOr<PausePoint> PausePointOf(const spec::RunPlan& plan, int rung,
                                        const PlannedRound& planned,
                                        int64_t taken);

// "rung 1 of 3, step 12 of 108", for the record.
std::string PauseText(const PausePoint& pause);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUNG_PAUSE_H_
