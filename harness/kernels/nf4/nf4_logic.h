// NF4 and 8-bit dynamic quantization, one element at a time, for the CPU and
// the CUDA kernels alike: same operations, same rounding, same codes.
// NF4: arXiv 2305.14314, section 3; dynamic map: arXiv 2110.02861. The code
// and rounding rules are those of bitsandbytes 0.50.2 on a CPU.
#ifndef HARNESS_KERNELS_NF4_NF4_LOGIC_H_
#define HARNESS_KERNELS_NF4_NF4_LOGIC_H_

#include <math.h>
#include <stdint.h>

#include "harness/kernels/shared/elements.h"

namespace sft::kernels {

inline constexpr int64_t kNf4BlockSize = 64;      // weights per absmax
inline constexpr int64_t kAbsmaxBlockSize = 256;  // absmax per absmax2
inline constexpr int kNf4Codes = 16;
inline constexpr int kDynamicCodes = 256;
inline constexpr int kDynamicSlots = 65536;
// What the absmax of a block is raised to before it divides.
inline constexpr float kSmallestAbsmax = 1e-38f;

// Rounded once each: nvcc would contract a*b+c, which changes codes.
SFT_ELEMENT float MulRounded(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}
SFT_ELEMENT float AddRounded(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fadd_rn(a, b);
#else
  return a + b;
#endif
}
SFT_ELEMENT float DivRounded(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fdiv_rn(a, b);
#else
  return a / b;
#endif
}

// What is no number becomes -1, so that every result has a code.
SFT_ELEMENT float ClampToUnit(float v) {
  return v > -1.0f ? (v < 1.0f ? v : 1.0f) : -1.0f;
}

// How many of the n - 1 midpoints between neighbours of the ascending `code`
// lie below v: the index of the nearest code, a tie going to the lower one.
// n is a power of two.
SFT_ELEMENT int NearestCode(float v, const float* code, int n) {
  int below = 0;
  for (int step = n / 2; step > 0; step /= 2) {
    const int k = below + step - 1;
    if (MulRounded(AddRounded(code[k], code[k + 1]), 0.5f) < v) below += step;
  }
  return below;
}

// A whole block multiplies by the reciprocal of its absmax; a last block that
// is not full divides by it. The two round differently.
SFT_ELEMENT float Nf4Scale(float absmax) {
  return DivRounded(1.0f, absmax < kSmallestAbsmax ? kSmallestAbsmax : absmax);
}
SFT_ELEMENT int Nf4EncodeWhole(float x, float scale, const float* code16) {
  return NearestCode(ClampToUnit(MulRounded(x, scale)), code16, kNf4Codes);
}
SFT_ELEMENT int Nf4EncodeRest(float x, float absmax, const float* code16) {
  return NearestCode(ClampToUnit(DivRounded(x, absmax)), code16, kNf4Codes);
}

// 8-bit code of x in a block with 1 / absmax = scale. bitsandbytes looks the
// code up in kDynamicSlots slots over [-1, 1]; the slot's value, searched for,
// gives the table's entry without the table. Signed and unsigned maps alike.
SFT_ELEMENT int DynamicSlot(float x, float scale) {
  const float v = ClampToUnit(MulRounded(x, scale));
  const float unit = MulRounded(AddRounded(v, 1.0f), 0.5f);
  return static_cast<int>(fmaf(unit, 65535.0f, 0.5f));
}
SFT_ELEMENT int DynamicCodeOfSlot(int slot, const float* code256) {
  const float slot_value =
      AddRounded(DivRounded(2.0f * static_cast<float>(slot), 65535.0f), -1.0f);
  return NearestCode(slot_value, code256, kDynamicCodes);
}
SFT_ELEMENT int DynamicEncode(float x, float scale, const float* code256) {
  return DynamicCodeOfSlot(DynamicSlot(x, scale), code256);
}

SFT_ELEMENT float DynamicDecode(int code, float absmax2, float offset,
                                const float* code256) {
  return AddRounded(MulRounded(code256[code], absmax2), offset);
}

// Where the absmax of each block of 64 weights stand: in `absmax`, or double
// quantized in the other three.
struct Nf4Scales {
  const float* absmax = nullptr;
  const uint8_t* absmax_codes = nullptr;
  const float* absmax2 = nullptr;
  const float* offset = nullptr;  // one
};
SFT_ELEMENT float Nf4AbsmaxOf(const Nf4Scales& scales, int64_t block,
                              const float* code256) {
  if (scales.absmax != nullptr) return scales.absmax[block];
  return DynamicDecode(scales.absmax_codes[block],
                       scales.absmax2[block / kAbsmaxBlockSize], *scales.offset,
                       code256);
}

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_NF4_NF4_LOGIC_H_
