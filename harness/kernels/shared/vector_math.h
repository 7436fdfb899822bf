// What the CPU kernels share beside the elements' arithmetic (elements.h): sums
// in fixed lanes. No sum's order depends on the instruction set or the number
// of threads; where nothing is contracted either, every processor gives the
// same bits.
#ifndef HARNESS_KERNELS_SHARED_VECTOR_MATH_H_
#define HARNESS_KERNELS_SHARED_VECTOR_MATH_H_

#include <cstdint>

#include "harness/kernels/shared/elements.h"

// What a kernel of several instruction sets calls is compiled for each of them
// only so.
#define SFT_INLINE inline __attribute__((always_inline))

namespace sft::kernels {

// Into how many parts of at most `part` n divides.
constexpr int64_t Parts(int64_t n, int64_t part) {
  return (n + part - 1) / part;
}
// The size of as many parts that are about alike: a short last one costs as
// much as a long one.
constexpr int64_t EvenPart(int64_t n, int64_t part) {
  return n == 0 ? 0 : Parts(n, Parts(n, part));
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
// The largest of them and `least`. GCC makes comparisons of a loop one by one,
// so they are written by vectors that every instruction set has.
typedef float Quad __attribute__((vector_size(16)));
template <class Term>
SFT_INLINE float LaneMax(int64_t n, float least, const Term& term) {
  constexpr int64_t kQuads = 4, kWidth = 4;
  Quad lane[kQuads];
  for (Quad& l : lane) l = Quad{least, least, least, least};
  int64_t i = 0;
  for (; i + kQuads * kWidth <= n; i += kQuads * kWidth) {
    for (int64_t q = 0; q < kQuads; ++q) {
      const int64_t at = i + q * kWidth;
      const Quad x = {term(at), term(at + 1), term(at + 2), term(at + 3)};
      lane[q] = x > lane[q] ? x : lane[q];
    }
  }
  float most = least;
  for (; i < n; ++i) {
    const float x = term(i);
    most = x > most ? x : most;
  }
  for (const Quad& l : lane) {
    for (int64_t j = 0; j < kWidth; ++j) most = l[j] > most ? l[j] : most;
  }
  return most;
}

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_SHARED_VECTOR_MATH_H_
