// Progress from worker to launcher: a line on a pipe.
#ifndef HARNESS_LAUNCH_PROGRESS_H_
#define HARNESS_LAUNCH_PROGRESS_H_

#include <cstdint>

#include "harness/core/records.h"
#include "harness/record/run_progress.h"

namespace sft::launch {

// Begins the phase of a line that is to be said once, whichever run says it.
inline constexpr char kNoticePhase[] = "notice: ";
// Begins the last line of a worker that found the disk full; what it needs, and
// where, follows.
inline constexpr char kDiskFullPhase[] = "disk full: ";

using Progress = record::RunProgress;
using record::FormatProgress;
using record::ParseProgress;

// How fast a worker trains, over the steps that it took itself.
class TrainingPace {
 public:
  // After a step of the run's `total`, that of all rounds.
  Progress After(const StepRecord& step, int64_t total);
  int64_t steps() const { return steps_; }

 private:
  double seconds_ = 0;
  int64_t tokens_ = 0;
  int64_t steps_ = 0;
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PROGRESS_H_
