// Where a run came from: what the program was built from, and what it ran on.
#ifndef HARNESS_MEASURE_PROVENANCE_H_
#define HARNESS_MEASURE_PROVENANCE_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "absl/time/time.h"

namespace sft::measure {

// Deterministic for one build on one kind of machine: LibTorch's version, the
// instruction set that its kernels use and that ours use (`kernels`), threads,
// device, and `build` (revision, versions of other libraries) as it is.
std::map<std::string, std::string> BuildProvenance(
    const std::map<std::string, std::string>& build, at::Device device);

// Of this one execution: host, processor, start in UTC, process id, how threads
// wait, the cards that it may see, and the scheduler's job, task and restart
// numbers; the last ones where they are given.
std::map<std::string, std::string> RunProvenance(absl::Time start);

// Wall time since the kernel started this process (proc(5), to 10 ms).
double SecondsSinceProcessStart();

// "model name" of the first processor; "unknown" where it is not shown.
std::string CpuModel();

}  // namespace sft::measure

#endif  // HARNESS_MEASURE_PROVENANCE_H_
