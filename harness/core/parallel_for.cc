#include "harness/core/parallel_for.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace sft {
namespace {

size_t UsableCores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return static_cast<size_t>(std::max(CPU_COUNT(&cores), 1));
}

}  // namespace

void ParallelFor(size_t n, const std::function<void(size_t)>& body) {
  std::atomic<size_t> next{0};
  const auto work = [&next, &body, n] {
    for (size_t i = next++; i < n; i = next++) body(i);
  };
  std::vector<std::thread> others;
  for (size_t t = 1; t < std::min(n, UsableCores()); ++t) {
    others.emplace_back(work);
  }
  work();
  for (std::thread& other : others) other.join();
}

}  // namespace sft
