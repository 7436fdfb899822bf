// Wall and processor time, and how a time is shown.
#ifndef HARNESS_CORE_STOPWATCH_H_
#define HARNESS_CORE_STOPWATCH_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace sft {

// Time since it was made.
class Stopwatch {
 public:
  Stopwatch();
  absl::Duration Wall() const;
  absl::Duration Cpu() const;  // of all threads of this process
  double WallSeconds() const { return absl::ToDoubleSeconds(Wall()); }

 private:
  int64_t wall_start_ns_;
  int64_t cpu_start_ns_;
};

// "1:05", "2:03:10"; "?" of what is no time.
std::string FormatSeconds(double seconds);

}  // namespace sft

#endif  // HARNESS_CORE_STOPWATCH_H_
