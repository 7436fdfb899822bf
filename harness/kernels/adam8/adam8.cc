#include "harness/kernels/adam8/adam8.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/kernels/adam8/adam8_tables.h"
#include "harness/kernels/nf4/nf4.h"
#include "harness/kernels/shared/vectorized.h"

namespace sft::kernels {

const float kUnsignedDynamicCode[kDynamicCodes] = {SFT_UNSIGNED_DYNAMIC_CODES};

namespace {

// Blocks a thread takes at a time.
constexpr int64_t kBlocksAPart = 64;

using SlotCodes = std::array<uint8_t, kDynamicSlots>;

SlotCodes CodesOfSlots(const float* code256) {
  SlotCodes codes;
  for (int slot = 0; slot < kDynamicSlots; ++slot) {
    codes[static_cast<size_t>(slot)] =
        static_cast<uint8_t>(DynamicCodeOfSlot(slot, code256));
  }
  return codes;
}

// The search for a code, done once for every slot.
struct Tables {
  SlotCodes of_exp_avg = CodesOfSlots(kDynamicCode);
  SlotCodes of_exp_avg_sq = CodesOfSlots(kUnsignedDynamicCode);
};

SFT_INLINE void Quantize(const float* x, int64_t n, const uint8_t* of_slot,
                         uint8_t* codes, float* absmax) {
  const float largest =
      Adam8Absmax(LaneMax(n, 0.0f, [x](int64_t i) { return fabsf(x[i]); }));
  *absmax = largest;
  if (largest == 0.0f) {
    for (int64_t i = 0; i < n; ++i) codes[i] = 0;
    return;
  }
  const float scale = Adam8Scale(largest);
  int slot[kAdam8BlockSize];
  for (int64_t i = 0; i < n; ++i) slot[i] = DynamicSlot(x[i], scale);
  for (int64_t i = 0; i < n; ++i) codes[i] = of_slot[slot[i]];
}

// A block; n at most kAdam8BlockSize.
SFT_INLINE void StepBlock(const float* grad, int64_t n, const Adam8Step& step,
                          const Tables& tables, float* weight,
                          const Adam8Moments& at) {
  float exp_avg[kAdam8BlockSize], exp_avg_sq[kAdam8BlockSize];
  const float absmax = *at.exp_avg_absmax, absmax_sq = *at.exp_avg_sq_absmax;
  for (int64_t i = 0; i < n; ++i) {
    exp_avg[i] = Adam8Decode(at.exp_avg[i], absmax, kDynamicCode);
    exp_avg_sq[i] =
        Adam8Decode(at.exp_avg_sq[i], absmax_sq, kUnsignedDynamicCode);
  }
  for (int64_t i = 0; i < n; ++i) {
    exp_avg[i] = Adam8ExpAvg(exp_avg[i], grad[i], step);
    exp_avg_sq[i] = Adam8ExpAvgSq(exp_avg_sq[i], grad[i], step);
    weight[i] = Adam8Weight(weight[i], exp_avg[i], exp_avg_sq[i], step);
  }
  Quantize(exp_avg, n, tables.of_exp_avg.data(), at.exp_avg, at.exp_avg_absmax);
  Quantize(exp_avg_sq, n, tables.of_exp_avg_sq.data(), at.exp_avg_sq,
           at.exp_avg_sq_absmax);
}

// The blocks [first, last).
SFT_INLINE void StepBlocks(const float* grad, int64_t n, int64_t first,
                           int64_t last, const Adam8Step& of_step,
                           const Tables& tables, float* weight,
                           const Adam8Moments& moments) {
  const Adam8Step step = of_step;  // which no store to a weight may change
  for (int64_t block = first; block < last; ++block) {
    const int64_t begin = block * kAdam8BlockSize;
    const int64_t size =
        n - begin < kAdam8BlockSize ? n - begin : kAdam8BlockSize;
    StepBlock(
        grad + begin, size, step, tables, weight + begin,
        {moments.exp_avg + begin, moments.exp_avg_sq + begin,
         moments.exp_avg_absmax + block, moments.exp_avg_sq_absmax + block});
  }
}

}  // namespace

Adam8Step MakeAdam8Step(double learning_rate, double weight_decay, double beta1,
                        double beta2, double epsilon, double t) {
  return {
      .beta1 = static_cast<float>(beta1),
      .rest1 = static_cast<float>(1.0 - beta1),
      .beta2 = static_cast<float>(beta2),
      .rest2 = static_cast<float>(1.0 - beta2),
      .decay = static_cast<float>(1.0 - learning_rate * weight_decay),
      .rate = static_cast<float>(-learning_rate / (1.0 - std::pow(beta1, t))),
      .root_correction =
          static_cast<float>(std::sqrt(1.0 - std::pow(beta2, t))),
      .epsilon = static_cast<float>(epsilon)};
}

void Adam8StepCpu(const float* grad, int64_t n, const Adam8Step& step,
                  float* weight, const Adam8Moments& moments) {
  static const Tables tables;
  at::parallel_for(0, Adam8Blocks(n), kBlocksAPart,
                   [&](int64_t first, int64_t last) {
                     Vectorized<&StepBlocks>(grad, n, first, last, step, tables,
                                             weight, moments);
                   });
}

}  // namespace sft::kernels
