// A loop over the cores.
#ifndef HARNESS_CORE_PARALLEL_FOR_H_
#define HARNESS_CORE_PARALLEL_FOR_H_

#include <cstddef>
#include <functional>

namespace sft {

// Calls body(0) to body(n - 1), each once, on as many threads as this process
// may use; returns after the last. Two calls may run at the same time.
void ParallelFor(size_t n, const std::function<void(size_t)>& body);

}  // namespace sft

#endif  // HARNESS_CORE_PARALLEL_FOR_H_
