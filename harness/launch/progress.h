// Progress from worker to launcher (a line on a pipe) and to the screen (one
// line rewritten on a terminal, plain lines elsewhere).
#ifndef HARNESS_LAUNCH_PROGRESS_H_
#define HARNESS_LAUNCH_PROGRESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "harness/core/records.h"

namespace sft::launch {

// Begins the phase of a line that is to be said once, whichever run says it.
inline constexpr char kNoticePhase[] = "notice: ";
// Begins the last line of a worker that found the disk full; what it needs, and
// where, follows.
inline constexpr char kDiskFullPhase[] = "disk full: ";

struct Progress {
  std::string phase;  // "load", "train", "evaluate", "save"
  int64_t step = 0;
  int64_t steps = 0;
  double loss = 0;
  double real_tokens_per_second = 0;
  double seconds_left = 0;  // of this run's training
};

// How fast a worker trains, over the steps that it took itself.
class TrainingPace {
 public:
  // After a step of the run's `total`.
  Progress After(const StepRecord& step, int64_t total);
  int64_t steps() const { return steps_; }

 private:
  double seconds_ = 0;
  int64_t tokens_ = 0;
  int64_t steps_ = 0;
};

// One tab-separated line, without its end.
std::string FormatProgress(const Progress& progress);
std::optional<Progress> ParseProgress(std::string_view line);

// "1:05", "2:03:10".
std::string FormatSeconds(double seconds);

// Standard error, which may be a terminal.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  // Replaces the line on a terminal; elsewhere printed at most every ten
  // seconds.
  void Show(const std::string& text);
  // A line that stays.
  void Say(const std::string& text);

 private:
  bool terminal_;
  bool open_ = false;
  absl::Time last_ = absl::InfinitePast();
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PROGRESS_H_
