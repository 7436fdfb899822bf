// 8-bit AdamW on tensors: takes the CPU or the CUDA kernel by their device.
// P elements of a parameter, Q = ceil(P / 256) blocks.
#ifndef HARNESS_KERNELS_ADAM8_ADAM8_GLUE_H_
#define HARNESS_KERNELS_ADAM8_ADAM8_GLUE_H_

#include <ATen/core/Tensor.h>

#include "harness/kernels/adam8/adam8.h"

namespace sft::kernels {

struct Adam8Tensors {
  at::Tensor exp_avg_P, exp_avg_sq_P;                // uint8 codes
  at::Tensor exp_avg_absmax_Q, exp_avg_sq_absmax_Q;  // f32
};
// Moments of zero, on the weight's device.
Adam8Tensors ZeroAdam8Tensors(const at::Tensor& weight);

// Moves `weight` and its moments by a step. f32, grad of the weight's shape,
// in any layout.
void StepAdam8(const at::Tensor& weight, const at::Tensor& grad,
               const Adam8Step& step, const Adam8Tensors& moments);

// The first moment, f32 in the weight's shape.
at::Tensor DecodedExpAvg(const Adam8Tensors& moments, const at::Tensor& weight);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ADAM8_ADAM8_GLUE_H_
