// How many runs go at a time: whether the next one may begin beside those that
// are at work. What a machine has and what runs need is told to it; it reads no
// file and no clock.
#ifndef HARNESS_LAUNCH_ADMISSION_H_
#define HARNESS_LAUNCH_ADMISSION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/measure/machine_facts.h"

namespace sft::launch {

// What a run takes while it works, at most.
struct RunNeeds {
  int threads = 1;
  int64_t bytes = 0;   // predicted; 0 = not known
  bool alone = false;  // it ran out of memory before: nothing beside it
};
struct RunAtWork {
  RunNeeds needs;
  int64_t resident_bytes = 0;  // of its memory, what it has taken already
};

struct Admission {
  enum class Verdict {
    kStart,
    kWait,   // until another run ends, or memory is free again
    kNever,  // it fits this machine under no circumstances
  };
  Verdict verdict = Verdict::kStart;
  std::string why;  // for a reader, where it does not start
};

// Cores count by threads; the first run may take more of them than there are.
// Memory is that which is free now, less what runs at work will still take,
// less a reserve for everything else on the machine: nothing is to be swapped
// out.
Admission Admit(const measure::MachineFacts& machine,
                const std::vector<RunAtWork>& at_work, const RunNeeds& next);

// What stays free.
int64_t MemoryReserve(int64_t memory_bytes);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_ADMISSION_H_
