// A loop over the cores.
#ifndef HARNESS_CORE_PARALLEL_FOR_H_
#define HARNESS_CORE_PARALLEL_FOR_H_

#include <cstddef>
#include <functional>

namespace sft {

// Cores that the kernel lets this process run on, at least 1.
size_t UsableCores();

// Calls body(0) to body(n - 1), each once, on as many threads as this process
// may use and can start; returns after the last. Two calls may run at the same
// time; within a body one would start a core's worth of threads for each.
void ParallelFor(size_t n, const std::function<void(size_t)>& body);

}  // namespace sft

#endif  // HARNESS_CORE_PARALLEL_FOR_H_
