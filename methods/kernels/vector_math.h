// What the CPU kernels share: bf16 as raw bits, an exponential that compilers
// vectorize, sums in fixed lanes. No sum's order depends on the instruction set
// or the number of threads, and nothing is contracted, so every processor
// gives the same bits.
#ifndef METHODS_KERNELS_VECTOR_MATH_H_
#define METHODS_KERNELS_VECTOR_MATH_H_

#include <bit>
#include <cstdint>

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

// bf16 as its bits.
using Bf16 = uint16_t;

SFT_INLINE float ToFloat(float x) { return x; }
SFT_INLINE float ToFloat(Bf16 bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}
SFT_INLINE void Store(float x, float* to) { *to = x; }
// To nearest, ties to even; NaN stays one.
SFT_INLINE void Store(float x, Bf16* to) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t nan = (bits & 0x7FFFFFFFu) > 0x7F800000u ? 0x7FFFu : 0u;
  const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  *to = static_cast<Bf16>(rounded | nan);
}

// e^x to 2 units in the last place (Cephes' expf: 2^n times a polynomial on
// [-ln2/2, ln2/2]); below -87 the least normal number, above 88 e^88.
SFT_INLINE float Exp(float x) {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: adding it rounds
  const float low = x < -87.0f ? -87.0f : x;
  const float at = low > 88.0f ? 88.0f : low;
  const float n = (at * 1.44269504f + kShift) - kShift;
  const float r = (at - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float fraction = (p * r * r + r) + 1.0f;
  const int32_t power = (static_cast<int32_t>(n) + 127) << 23;
  return fraction * std::bit_cast<float>(power);
}

SFT_INLINE float Sigmoid(float x) { return 1.0f / (1.0f + Exp(-x)); }

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
