// What the CPU kernels share beside the elements' arithmetic (block_logic.h):
// functions for several instruction sets, sums in fixed lanes. No sum's order
// depends on the instruction set or the number of threads, and nothing is
// contracted, so every processor gives the same bits.
#ifndef METHODS_KERNELS_VECTOR_MATH_H_
#define METHODS_KERNELS_VECTOR_MATH_H_

#include <cstdint>

#include "methods/kernels/block_logic.h"

// One function compiled for several instruction sets, chosen when the program
// starts. What it calls must be SFT_INLINE to be compiled along.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define SFT_VECTORIZED \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SFT_VECTORIZED
#endif
#define SFT_INLINE inline __attribute__((always_inline))

namespace sft {

// Into how many parts of at most `part` n divides.
constexpr int64_t Parts(int64_t n, int64_t part) {
  return (n + part - 1) / part;
}

// The sum of term(i), i < n, in 16 lanes that are added pairwise.
inline constexpr int64_t kLanes = 16;
template <class Term>
SFT_INLINE float LaneSum(int64_t n, const Term& term) {
  float lane[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lane[j] += term(i + j);
  }
  for (int64_t j = 0; i + j < n; ++j) lane[j] += term(i + j);
  for (int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (int64_t j = 0; j < width; ++j) lane[j] += lane[j + width];
  }
  return lane[0];
}
template <class Term>
SFT_INLINE float LaneMax(int64_t n, float least, const Term& term) {
  float lane[kLanes];
  for (float& l : lane) l = least;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      const float x = term(i + j);
      lane[j] = x > lane[j] ? x : lane[j];
    }
  }
  for (int64_t j = 0; i + j < n; ++j) {
    const float x = term(i + j);
    lane[j] = x > lane[j] ? x : lane[j];
  }
  for (int64_t j = 1; j < kLanes; ++j) {
    if (lane[j] > lane[0]) lane[0] = lane[j];
  }
  return lane[0];
}

}  // namespace sft

#endif  // METHODS_KERNELS_VECTOR_MATH_H_
