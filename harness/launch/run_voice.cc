#include "harness/launch/run_voice.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace sft::launch {

void RunVoice::Log(const std::string& line) const {
  if (log_) log_(line);
}

void RunVoice::Phase(const std::string& phase) {
  Log(phase);
  Progress progress = last_;
  progress.phase = phase;
  Tell(progress);
}

void RunVoice::Notice(const std::string& notice) const {
  Log(absl::StrCat("warning: ", notice));
  if (show_) show_({.phase = kNoticePhase + notice});
}

void RunVoice::DiskFull(const std::string& what) const {
  Log(absl::StrCat("the disk is full: ", what));
  if (show_) show_({.phase = kDiskFullPhase + what});
}

void RunVoice::Step(const StepRecord& step, int64_t total) {
  last_ = pace_.After(step, total);
  Tell(last_);
  Log(absl::StrFormat("step %d/%s loss %.6f lr %.3g |grad| %.4g %.2f s",
                      step.step, total > 0 ? absl::StrCat(total) : "?",
                      step.loss, step.learning_rate, step.grad_norm,
                      step.wall_seconds));
}

void RunVoice::Tell(const Progress& progress) {
  file_.Note(progress, absl::Now());
  if (show_) show_(progress);
}

}  // namespace sft::launch
