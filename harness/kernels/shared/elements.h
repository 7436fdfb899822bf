// One element's arithmetic for the CPU and the CUDA kernels alike: bf16 as its
// bits, exponentials that every processor rounds the same way.
#ifndef HARNESS_KERNELS_SHARED_ELEMENTS_H_
#define HARNESS_KERNELS_SHARED_ELEMENTS_H_

#include <math.h>
#include <stdint.h>

// Always inlined on the host too: what a function of several instruction sets
// calls is compiled for each of them only so.
#ifdef __CUDACC__
#define SFT_ELEMENT __host__ __device__ __forceinline__
#else
#define SFT_ELEMENT inline __attribute__((always_inline))
#endif

namespace sft::kernels {

// bf16 as its bits.
using Bf16 = uint16_t;

SFT_ELEMENT float FloatOfBits(uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  return __builtin_bit_cast(float, bits);
#endif
}
SFT_ELEMENT uint32_t BitsOfFloat(float x) {
#ifdef __CUDA_ARCH__
  return __float_as_uint(x);
#else
  return __builtin_bit_cast(uint32_t, x);
#endif
}

SFT_ELEMENT float ToFloat(float x) { return x; }
SFT_ELEMENT float ToFloat(Bf16 bits) {
  return FloatOfBits(static_cast<uint32_t>(bits) << 16);
}
SFT_ELEMENT void Store(float x, float* to) { *to = x; }
// To nearest, ties to even; NaN stays one.
SFT_ELEMENT void Store(float x, Bf16* to) {
  const uint32_t bits = BitsOfFloat(x);
  const uint32_t nan = (bits & 0x7FFFFFFFu) > 0x7F800000u ? 0x7FFFu : 0u;
  const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  *to = static_cast<Bf16>(rounded | nan);
}
// x as T holds it.
template <class T>
SFT_ELEMENT float RoundedTo(float x) {
  T stored;
  Store(x, &stored);
  return ToFloat(stored);
}

SFT_ELEMENT float Clamped(float x, float least, float most) {
  const float low = x < least ? least : x;
  return low > most ? most : low;
}
// e^x to 2 units in the last place (Cephes' expf: 2^n times a polynomial on
// [-ln2/2, ln2/2]) for x in [-87, 88].
SFT_ELEMENT float ExpWithin(float x) {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: adding it rounds
  const float n = (x * 1.44269504f + kShift) - kShift;
  const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float fraction = (p * r * r + r) + 1.0f;
  const int32_t power = (static_cast<int32_t>(n) + 127) << 23;
  return fraction * FloatOfBits(static_cast<uint32_t>(power));
}
// Below -87 the least normal number, above 88 e^88.
SFT_ELEMENT float Exp(float x) { return ExpWithin(Clamped(x, -87.0f, 88.0f)); }

// Below -60 that of -60, 9e-27. GCC computes what a bound comes to for every
// lane of a vector, and Intel's processors take a hundred times as long where
// that is too small to be normal, as multiples of 1 / (1 + e^88) are.
SFT_ELEMENT float Sigmoid(float x) {
  return 1.0f / (1.0f + ExpWithin(Clamped(-x, -60.0f, 60.0f)));
}

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_SHARED_ELEMENTS_H_
