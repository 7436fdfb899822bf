#include "harness/core/parallel_for.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace sft {

size_t UsableCores() {
  // More than the mask of a thousand cores: the kernel refuses a short one.
  constexpr int kMostCores = 1 << 15;
  cpu_set_t* mask = CPU_ALLOC(kMostCores);
  const size_t size = CPU_ALLOC_SIZE(kMostCores);
  int cores = 0;
  if (sched_getaffinity(0, size, mask) == 0) cores = CPU_COUNT_S(size, mask);
  CPU_FREE(mask);
  if (cores > 0) return static_cast<size_t>(cores);
  return std::max<size_t>(1, std::thread::hardware_concurrency());
}

void ParallelFor(size_t n, const std::function<void(size_t)>& body) {
  std::atomic<size_t> next{0};
  const auto work = [&next, &body, n] {
    for (size_t i = next++; i < n; i = next++) body(i);
  };
  std::vector<std::thread> others;
  for (size_t t = 1; t < std::min(n, UsableCores()); ++t) {
    try {
      others.emplace_back(work);
    } catch (const std::system_error&) {
      break;  // a limit on threads: those there are do the work
    }
  }
  work();
  for (std::thread& other : others) other.join();
}

}  // namespace sft
