// What a worker is told beside the run.
#ifndef HARNESS_LAUNCH_WORKER_OPTIONS_H_
#define HARNESS_LAUNCH_WORKER_OPTIONS_H_

#include <functional>

#include "harness/launch/progress.h"
#include "harness/launch/recording_options.h"
#include "harness/launch/run_checkpoint.h"

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

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_WORKER_OPTIONS_H_
