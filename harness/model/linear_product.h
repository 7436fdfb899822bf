// The matrix products of linear maps and their gradients, in the arithmetic
// that suits the processor: LinearProduct (model.h) is the differentiable one.
// M rows, I/O in/out features.
#ifndef HARNESS_MODEL_LINEAR_PRODUCT_H_
#define HARNESS_MODEL_LINEAR_PRODUCT_H_

#include "harness/model/model.h"

namespace sft {

// True of bf16 on a processor without bf16 instructions, or whose f32 ones make
// more products: they are then made in f32 and rounded.
bool MultipliesWidened(const at::Tensor& x);

// grad_MO times w_OI, in their dtype.
at::Tensor InputGradient(const at::Tensor& grad_MO, const at::Tensor& w_OI);
// sum_OI += grad_MO transposed times x_MI; sum_OI in the master dtype.
void AddWeightGradient(const at::Tensor& grad_MO, const at::Tensor& x_MI,
                       at::Tensor& sum_OI);

}  // namespace sft

#endif  // HARNESS_MODEL_LINEAR_PRODUCT_H_
