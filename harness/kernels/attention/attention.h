// Scaled dot-product attention over a batch: softmax(scale q k^T) v.
// B sequences, T tokens, N heads, H head width, P packed sequences.
#ifndef HARNESS_KERNELS_ATTENTION_ATTENTION_H_
#define HARNESS_KERNELS_ATTENTION_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include "harness/core/batch.h"

namespace sft::kernels {

// What a layer sees and how it scores.
struct AttentionShape {
  // Tokens seen, the query's own included; if not causal, so many to each side.
  // 0 = all.
  int64_t window = 0;
  double softcap = 0;  // scores become cap tanh(score / cap); 0 = as they are
  bool causal = true;  // else every token of its sequence, without a soft cap
};

// The default of AttentionSlot. Padded: within each row; pads are on the right,
// so no real token sees one in causal order, and else batch.lengths masks them.
// Packed: each segment of cu_seqlens by itself.
at::Tensor DefaultAttention(const at::Tensor& q_BNTH, const at::Tensor& k_BKTH,
                            const at::Tensor& v_BKTH, const Batch& batch,
                            double scale, const AttentionShape& shape = {});

// k or v [B, N_kv, T, H] -> [B, N, T, H]: each head repeated N / N_kv times.
at::Tensor ExpandHeads(const at::Tensor& x_BKTH, int64_t heads);

// Which of `slots` slots are seen by the last of the first lengths_B1 [B, 1] of
// them: bool [B, 1, 1, S].
at::Tensor SeenSlots(const at::Tensor& lengths_B1, int64_t slots,
                     int64_t window);

// One new token a row against cached keys and values, of which those marked are
// seen (all where `seen` is undefined). k, v [B, N_kv, S, H], q [B, N, 1, H].
at::Tensor CachedAttention(const at::Tensor& q_BN1H, const at::Tensor& k_BKSH,
                           const at::Tensor& v_BKSH,
                           const at::Tensor& seen_B11S, double scale,
                           double softcap);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ATTENTION_ATTENTION_H_
