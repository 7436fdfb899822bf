// The operations of block_ops.h, one element at a time, for the CPU and the
// CUDA kernels alike: same operations in the same order, none contracted, so
// elementwise results are the same bits and row-wise ones differ by the order
// of their sums alone. Formulas and sources in block_ops.h.
#ifndef METHODS_KERNELS_BLOCK_LOGIC_H_
#define METHODS_KERNELS_BLOCK_LOGIC_H_

#include <math.h>
#include <stdint.h>

// Always inlined on the host too: what a function of several instruction sets
// calls is compiled for each of them only so.
#ifdef __CUDACC__
#define SFT_ELEMENT __host__ __device__ __forceinline__
#else
#define SFT_ELEMENT inline __attribute__((always_inline))
#endif

namespace sft {

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

// Rows whose gradients of w are summed in one go: fixed, so that neither
// threads nor the device change the sum.
inline constexpr int64_t kRowPart = 64;

SFT_ELEMENT float NormRstd(float square_sum, int64_t width, float epsilon) {
  return 1.0f / sqrtf(square_sum / static_cast<float>(width) + epsilon);
}
SFT_ELEMENT float Normed(float x, float rstd, float w) { return x * rstd * w; }
// A row's sum of these over its width is `dot` below.
SFT_ELEMENT float NormDotTerm(float grad, float x, float rstd, float w) {
  return grad * w * (x * rstd);
}
SFT_ELEMENT float NormGradX(float grad, float x, float rstd, float w,
                            float dot) {
  return (grad * w - x * rstd * dot) * rstd;
}
// One row's part of the gradient of w.
SFT_ELEMENT float NormGradW(float grad, float x, float rstd) {
  return grad * (x * rstd);
}

SFT_ELEMENT float SwiGluOf(float gate, float up) {
  return gate * Sigmoid(gate) * up;
}
// `s` is Sigmoid(gate), which both gradients want.
SFT_ELEMENT float SwiGluGradGate(float grad, float gate, float up, float s) {
  return grad * up * s * (1.0f + gate * (1.0f - s));
}
SFT_ELEMENT float SwiGluGradUp(float grad, float gate, float s) {
  return grad * gate * s;
}

// The pair (a, b) turned; `sign` is -1 for the turn back.
SFT_ELEMENT float TurnedFirst(float a, float b, float cos, float sin,
                              float sign) {
  return a * cos - sign * b * sin;
}
SFT_ELEMENT float TurnedSecond(float a, float b, float cos, float sin,
                               float sign) {
  return b * cos + sign * a * sin;
}

// `most` is the row's largest logit.
SFT_ELEMENT float SoftmaxTerm(float logit, float most) {
  return Exp(logit - most);
}
SFT_ELEMENT double RowLossOf(double term_sum, float most, float label_logit) {
  return log(term_sum) + static_cast<double>(most) -
         static_cast<double>(label_logit);
}

}  // namespace sft

#endif  // METHODS_KERNELS_BLOCK_LOGIC_H_
