// A step of AdamW with 8-bit moments, one element at a time, for the CPU and
// the CUDA kernel alike: same operations, same rounding, same codes. In blocks
// of 256, exp_avg in the signed and exp_avg_sq in the unsigned dynamic map
// (arXiv 2110.02861, sections 2.1 and 2.2). Order of the operations, where a
// product and its sum round once, and the quantization are those of
// bitsandbytes 0.50.2 on a CPU.
#ifndef HARNESS_KERNELS_ADAM8_ADAM8_LOGIC_H_
#define HARNESS_KERNELS_ADAM8_ADAM8_LOGIC_H_

#include <math.h>
#include <stdint.h>

#include "harness/kernels/nf4/nf4_logic.h"

namespace sft::kernels {

inline constexpr int64_t kAdam8BlockSize = 256;
// A tensor with fewer elements keeps f32 moments (bitsandbytes' min_8bit_size).
inline constexpr int64_t kAdam8SmallestSize = 4096;

// What one step multiplies by; at step t with rate lr and decay wd.
struct Adam8Step {
  float beta1 = 0, rest1 = 0;  // and 1 - beta1
  float beta2 = 0, rest2 = 0;
  float decay = 1;            // 1 - lr wd
  float rate = 0;             // -lr / (1 - beta1^t)
  float root_correction = 1;  // sqrt(1 - beta2^t)
  float epsilon = 0;
};

SFT_ELEMENT float Adam8ExpAvg(float exp_avg, float grad,
                              const Adam8Step& step) {
  return fmaf(grad, step.rest1, MulRounded(exp_avg, step.beta1));
}
SFT_ELEMENT float Adam8ExpAvgSq(float exp_avg_sq, float grad,
                                const Adam8Step& step) {
  return fmaf(MulRounded(step.rest2, grad), grad,
              MulRounded(exp_avg_sq, step.beta2));
}
// The new weight, from the new moments before they are quantized.
SFT_ELEMENT float Adam8Weight(float weight, float exp_avg, float exp_avg_sq,
                              const Adam8Step& step) {
#ifdef __CUDA_ARCH__
  const float root = __fsqrt_rn(exp_avg_sq);
#else
  const float root = sqrtf(exp_avg_sq);
#endif
  const float denominator =
      AddRounded(DivRounded(root, step.root_correction), step.epsilon);
  return AddRounded(MulRounded(weight, step.decay),
                    DivRounded(MulRounded(step.rate, exp_avg), denominator));
}

// A block whose largest value has no finite reciprocal counts as zeros.
SFT_ELEMENT float Adam8Absmax(float largest) {
  return largest < kSmallestAbsmax ? 0.0f : largest;
}
// 1 / absmax; 0 of a block of zeros, whose codes all are 0.
SFT_ELEMENT float Adam8Scale(float absmax) {
  return absmax == 0.0f ? 0.0f : DivRounded(1.0f, absmax);
}
SFT_ELEMENT float Adam8Decode(int code, float absmax, const float* code256) {
  return MulRounded(code256[code], absmax);
}

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ADAM8_ADAM8_LOGIC_H_
