// What a worker says of its run: to its log, to the run's progress file and to
// its launcher.
#ifndef HARNESS_LAUNCH_RUN_VOICE_H_
#define HARNESS_LAUNCH_RUN_VOICE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "harness/core/records.h"
#include "harness/launch/progress.h"
#include "harness/launch/run_checkpoint.h"
#include "harness/record/run_progress.h"

namespace sft::launch {

class RunVoice {
 public:
  using Show = std::function<void(const Progress&)>;

  // `log` takes the lines of the log, `show` goes to the launcher; either may
  // be empty.
  RunVoice(std::string progress_path, LogLine log, Show show)
      : file_(std::move(progress_path)),
        log_(std::move(log)),
        show_(std::move(show)) {}

  void Log(const std::string& line) const;
  void Phase(const std::string& phase);
  // In the log, and once a sweep on the launcher's standard error.
  void Notice(const std::string& notice) const;
  // The last words of a worker that found no room; what it needs, and where.
  void DiskFull(const std::string& what) const;
  // After a step of the run's `total`, 0 where that is not known.
  void Step(const StepRecord& step, int64_t total);
  // Steps that an earlier execution took.
  void GoOnAfter(int64_t steps) { last_.step = steps; }
  bool has_stepped() const { return pace_.steps() > 0; }

 private:
  void Tell(const Progress& progress);

  record::ProgressFile file_;
  LogLine log_;
  Show show_;
  TrainingPace pace_;  // of the steps taken here
  Progress last_;      // step
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_VOICE_H_
