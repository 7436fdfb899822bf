// Wall and processor time.
#ifndef HARNESS_CORE_STOPWATCH_H_
#define HARNESS_CORE_STOPWATCH_H_

#include <cstdint>

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

}  // namespace sft

#endif  // HARNESS_CORE_STOPWATCH_H_
