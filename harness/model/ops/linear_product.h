// The matrix products of linear maps and their gradients, in the arithmetic
// that suits the processor.
// M rows, I/O in/out features.
#ifndef HARNESS_MODEL_OPS_LINEAR_PRODUCT_H_
#define HARNESS_MODEL_OPS_LINEAR_PRODUCT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace sft::model {

// Outputs that a product has, or sums over, at once: of a vocabulary's weight,
// gradient and logits only such a part is widened at a time.
inline constexpr int64_t kSumPart = 4096;
inline constexpr int64_t kGradientPart = 1024;

// Differentiable: x [M, I] times w_OI transposed, in bf16 with f32 accumulation
// where dtype is bf16 (also on processors without bf16 instructions), plain
// otherwise.
at::Tensor LinearProduct(const at::Tensor& x, const at::Tensor& w_OI,
                         const at::Tensor& bias_O);

// True of bf16 on a processor without bf16 instructions, or whose f32 ones make
// more products: they are then made in f32 and rounded.
bool MultipliesWidened(const at::Tensor& x);

// grad_MO times w_OI, in their dtype.
at::Tensor InputGradient(const at::Tensor& grad_MO, const at::Tensor& w_OI);
// sum_OI += grad_MO transposed times x_MI; sum_OI in the master dtype.
void AddWeightGradient(const at::Tensor& grad_MO, const at::Tensor& x_MI,
                       at::Tensor& sum_OI);

}  // namespace sft::model

#endif  // HARNESS_MODEL_OPS_LINEAR_PRODUCT_H_
