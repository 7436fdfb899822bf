// What of this machine a process may use: cores by affinity and by its
// containers' quota, memory by what is free and by their limits, cards by what
// is visible. No LibTorch: the launcher asks before anything is loaded.
#ifndef HARNESS_MEASURE_MACHINE_FACTS_H_
#define HARNESS_MEASURE_MACHINE_FACTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sft::measure {

struct MachineFacts {
  int cores = 1;             // at least 1; a quota is rounded down
  int64_t memory_bytes = 0;  // that processes here may hold at most; 0 unknown
  int64_t free_bytes = 0;    // of it now, without swapping anything out
};
// Of this process. `root` stands before /proc and /sys: a made-up machine of
// the tests, which has `affinity` cores; 0 = as many as the kernel says.
MachineFacts ReadMachineFacts(const std::string& root = "", int affinity = 0);

// How often the kernel has killed a process here because memory ran out: the
// count of this process's control group, else of the whole machine. nullopt
// where neither is shown.
std::optional<int64_t> CountOutOfMemoryKills(const std::string& root = "");

// Cards that a process sees, as CUDA_VISIBLE_DEVICES names them: those of the
// variable where it is set (`visible`), else all of the machine's. A variable
// that hides all of them leaves none; each stands there once.
std::vector<std::string> VisibleCards(const char* visible,
                                      const std::string& root = "");

// What a process holds now, of `pid`; 0 where that is not shown.
int64_t ResidentBytesOf(int64_t pid);

}  // namespace sft::measure

#endif  // HARNESS_MEASURE_MACHINE_FACTS_H_
