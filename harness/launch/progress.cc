#include "harness/launch/progress.h"

#include <algorithm>

namespace sft::launch {

Progress TrainingPace::After(const StepRecord& step, int64_t total) {
  seconds_ += step.wall_seconds;
  tokens_ += step.real_tokens;
  ++steps_;
  Progress progress;
  progress.phase = "train";
  progress.step = step.step;
  progress.steps = total;
  progress.loss = step.loss;
  progress.real_tokens_per_second =
      seconds_ > 0 ? static_cast<double>(tokens_) / seconds_ : 0;
  progress.seconds_left =
      seconds_ / static_cast<double>(steps_) *
      static_cast<double>(std::max<int64_t>(total - step.step, 0));
  return progress;
}

}  // namespace sft::launch
