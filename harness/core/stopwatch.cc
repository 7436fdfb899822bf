#include "harness/core/stopwatch.h"

#include <cmath>
#include <ctime>

#include "absl/strings/str_format.h"

namespace sft {
namespace {

int64_t Nanoseconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

Stopwatch::Stopwatch()
    : wall_start_ns_(Nanoseconds(CLOCK_MONOTONIC)),
      cpu_start_ns_(Nanoseconds(CLOCK_PROCESS_CPUTIME_ID)) {}

absl::Duration Stopwatch::Wall() const {
  return absl::Nanoseconds(Nanoseconds(CLOCK_MONOTONIC) - wall_start_ns_);
}

absl::Duration Stopwatch::Cpu() const {
  return absl::Nanoseconds(Nanoseconds(CLOCK_PROCESS_CPUTIME_ID) -
                           cpu_start_ns_);
}

std::string FormatSeconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const int64_t s = std::llround(seconds);
  if (s >= 3600) {
    return absl::StrFormat("%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  }
  return absl::StrFormat("%d:%02d", s / 60, s % 60);
}

}  // namespace sft
