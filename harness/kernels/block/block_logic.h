// The operations of block_ops.h, one element at a time, for the CPU and the
// CUDA kernels alike: same operations in the same order, none contracted, so
// elementwise results are the same bits and row-wise ones differ by the order
// of their sums alone. Formulas and sources in block_ops.h.
#ifndef HARNESS_KERNELS_BLOCK_BLOCK_LOGIC_H_
#define HARNESS_KERNELS_BLOCK_BLOCK_LOGIC_H_

#include <math.h>
#include <stdint.h>

#include "harness/kernels/shared/elements.h"

namespace sft::kernels {

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

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_BLOCK_BLOCK_LOGIC_H_
