// How much memory a process may have here.
#ifndef HARNESS_MEASURE_MEMORY_LIMIT_H_
#define HARNESS_MEASURE_MEMORY_LIMIT_H_

#include <cstdint>
#include <string>

namespace sft::measure {

// Where the kernel says so; elsewhere only in tests.
struct MemorySources {
  std::string meminfo = "/proc/meminfo";
  std::string own_groups = "/proc/self/cgroup";
  std::string group_root = "/sys/fs/cgroup";
};

// The machine's memory, or what a control group (of version 1 or 2) of this
// process or above it allows, whichever is less; 0 where nothing says.
int64_t MemoryLimitBytes(const MemorySources& sources = {});

}  // namespace sft::measure

#endif  // HARNESS_MEASURE_MEMORY_LIMIT_H_
