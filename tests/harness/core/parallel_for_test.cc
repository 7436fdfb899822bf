#include "harness/core/parallel_for.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <vector>

namespace sft::parallel_for_test {
namespace {

TEST_CASE("a parallel loop calls its body once for each number",
          "[core][parallel]") {
  for (const size_t n : {0u, 1u, 2u, 1000u}) {
    std::vector<std::atomic<int>> calls(n);
    ParallelFor(n, [&calls](size_t i) { ++calls[i]; });
    for (const std::atomic<int>& count : calls) CHECK(count.load() == 1);
  }
}

TEST_CASE("a process may use at least one core", "[core][parallel]") {
  CHECK(UsableCores() >= 1);
}

}  // namespace
}  // namespace sft::parallel_for_test
