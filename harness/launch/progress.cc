#include "harness/launch/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "harness/core/status.h"

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
  progress.seconds_left = seconds_ / static_cast<double>(steps_) *
                          static_cast<double>(total - step.step);
  return progress;
}

std::string FormatProgress(const Progress& p) {
  std::string phase = p.phase;
  for (char& c : phase) {
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  }
  return absl::StrFormat("%s\t%d\t%d\t%.6g\t%.6g\t%.6g", phase, p.step, p.steps,
                         p.loss, p.real_tokens_per_second, p.seconds_left);
}

std::optional<Progress> ParseProgress(std::string_view line) {
  const std::vector<std::string> parts = absl::StrSplit(ToAbsl(line), '\t');
  Progress p;
  if (parts.size() != 6) return std::nullopt;
  p.phase = parts[0];
  if (!absl::SimpleAtoi(parts[1], &p.step) ||
      !absl::SimpleAtoi(parts[2], &p.steps) ||
      !absl::SimpleAtod(parts[3], &p.loss) ||
      !absl::SimpleAtod(parts[4], &p.real_tokens_per_second) ||
      !absl::SimpleAtod(parts[5], &p.seconds_left)) {
    return std::nullopt;
  }
  return p;
}

std::string FormatSeconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const int64_t s = std::llround(seconds);
  if (s >= 3600) {
    return absl::StrFormat("%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  }
  return absl::StrFormat("%d:%02d", s / 60, s % 60);
}

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (open_) fputs("\n", stderr);
}

void ProgressLine::Show(const std::string& text) {
  const absl::Time now = absl::Now();
  const absl::Duration pause =
      terminal_ ? absl::Milliseconds(100) : absl::Seconds(10);
  if (now - last_ < pause) return;
  last_ = now;
  if (!terminal_) {
    fprintf(stderr, "%s\n", text.c_str());
    return;
  }
  winsize size{};
  size_t columns = 80;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 8) {
    columns = size.ws_col;
  }
  fprintf(stderr, "\r\033[K%s", text.substr(0, columns - 1).c_str());
  fflush(stderr);
  open_ = true;
}

void ProgressLine::Say(const std::string& text) {
  if (open_) fputs("\r\033[K", stderr);
  open_ = false;
  fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace sft::launch
