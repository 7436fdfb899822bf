// The small differentiable operations of a block, each saving for
// backward no more than it needs.
// B sequences, T tokens, N heads, H head width, D width, I features.
#ifndef HARNESS_MODEL_OPS_OPS_H_
#define HARNESS_MODEL_OPS_OPS_H_

#include <ATen/core/Tensor.h>

#include "harness/core/batch.h"
#include "harness/model/model.h"

namespace sft::model {

enum class Activation {
  kSilu,
  kGelu,      // x Phi(x)
  kGeluTanh,  // its tanh form
  kTanh,
  kRelu
};
at::Tensor Activate(Activation activation, const at::Tensor& x);

// y = x / sqrt(mean(x^2) + epsilon) * w over the last dimension of x [..., D],
// computed in the dtype of x (f32 or f64) and given in `out`; saves x and one
// number a row.
at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight_D,
                   double epsilon, at::ScalarType out);

// x + scale * more, the residual stream behind a branch. On a processor a sum
// whose term is narrower than x is made again from both, bit for bit, if x
// itself is kept (a norm that reads x keeps it), at the price of an addition a
// reader.
at::Tensor ResidualSum(const at::Tensor& x, const at::Tensor& more,
                       double scale = 1);

// silu(gate) * up, elementwise; saves both inputs and nothing else.
at::Tensor SwiGlu(const at::Tensor& gate, const at::Tensor& up);

// The same with the tanh form of GELU in SiLU's place.
at::Tensor GeGluTanh(const at::Tensor& gate, const at::Tensor& up);

// NEFTune (arXiv 2310.05914): x_BTD plus uniform noise of at most
// alpha / sqrt(L D), L the length of the token's sequence, drawn from `seed`;
// x itself where the pass does not train or alpha is 0.
at::Tensor AddEmbeddingNoise(const at::Tensor& x_BTD, const Batch& batch,
                             const PassState& pass);

// cos and sin [B, 1, T, H] of position * theta^(-2i/H), i < H/2, the halves
// alike (rotate-half layout); angles in `dtype`, f32 as transformers does it.
struct RotaryTable {
  at::Tensor cos_B1TH;
  at::Tensor sin_B1TH;
};
RotaryTable MakeRotaryTable(const at::Tensor& position_ids_BT,
                            int64_t head_width, double theta,
                            at::ScalarType dtype);
// x [B, N, T, H] rotated, in the dtype of x; of a table that is narrower than H
// the first dimensions of each head, and the others stay.
at::Tensor Rotate(const at::Tensor& x_BNTH, const RotaryTable& table);

}  // namespace sft::model

#endif  // HARNESS_MODEL_OPS_OPS_H_
