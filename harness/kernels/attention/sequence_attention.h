// Attention of sequences laid end to end as one differentiable operation over
// harness/kernels/attention/varlen_attention.h (CPU, f32 or bf16). Saves its
// inputs, its output and one number a query.
#ifndef HARNESS_KERNELS_ATTENTION_SEQUENCE_ATTENTION_H_
#define HARNESS_KERNELS_ATTENTION_SEQUENCE_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace sft::kernels {

// True where SequenceAttention can take such tensors.
bool HasSequenceAttention(const at::Tensor& q);

// q [B, N, T, H], k and v [B, K, T, H], K a divisor of N -> [B, N, T, H].
// Sequence s is tokens [bounds[s], bounds[s + 1]) of the B * T, row after row;
// none crosses a row. `prefixes`: as in VarlenShape, without a gradient.
at::Tensor SequenceAttention(const at::Tensor& q_BNTH, const at::Tensor& k_BKTH,
                             const at::Tensor& v_BKTH,
                             const std::vector<int64_t>& bounds, double scale,
                             bool causal,
                             const std::vector<int64_t>& prefixes = {});

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ATTENTION_SEQUENCE_ATTENTION_H_
