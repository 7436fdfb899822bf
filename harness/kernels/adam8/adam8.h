// A step of 8-bit AdamW on the CPU (adam8_logic.h says which): reads the
// moments' codes, moves the weights, writes the codes of the new moments. Also
// the oracle of the CUDA kernel.
#ifndef HARNESS_KERNELS_ADAM8_ADAM8_H_
#define HARNESS_KERNELS_ADAM8_ADAM8_H_

#include <cstdint>

#include "harness/kernels/adam8/adam8_logic.h"

namespace sft::kernels {

// The unsigned dynamic map, ascending; the signed one is kDynamicCode (nf4.h).
extern const float kUnsignedDynamicCode[kDynamicCodes];

constexpr int64_t Adam8Blocks(int64_t n) {
  return (n + kAdam8BlockSize - 1) / kAdam8BlockSize;
}
// The factors of step t (from 1), computed in double as bitsandbytes does.
Adam8Step MakeAdam8Step(double learning_rate, double weight_decay, double beta1,
                        double beta2, double epsilon, double t);

// The moments of n weights: n codes and ceil(n / 256) absmax each. Codes and
// absmax of 0 are moments of 0.
struct Adam8Moments {
  uint8_t* exp_avg = nullptr;
  uint8_t* exp_avg_sq = nullptr;
  float* exp_avg_absmax = nullptr;
  float* exp_avg_sq_absmax = nullptr;
};
// On all threads, a block by one; the number of threads changes no bit.
void Adam8StepCpu(const float* grad, int64_t n, const Adam8Step& step,
                  float* weight, const Adam8Moments& moments);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ADAM8_ADAM8_H_
