// Attention over sequences of any lengths that lie end to end, on the CPU: the
// exact softmax(q k^T scale) v of each sequence, no mask matrix and no copy of
// shared keys. Scores live for a block of query rows only; backward makes them
// again from the saved log-sum-exp (FlashAttention-2, arXiv 2307.08691,
// algorithms 1 and 2). Arithmetic in f32; `T`
// is float or Bf16.
// T tokens, N query heads, K key heads (K divides N), H head width.
#ifndef HARNESS_KERNELS_ATTENTION_VARLEN_ATTENTION_H_
#define HARNESS_KERNELS_ATTENTION_VARLEN_ATTENTION_H_

#include <cstdint>
#include <vector>

#include "harness/kernels/shared/vector_math.h"

namespace sft::kernels {

struct VarlenShape {
  // Sequence s is tokens [bounds[s], bounds[s + 1]).
  std::vector<int64_t> bounds;
  // Forward only: of each sequence, one whose tokens its own see first (which
  // has none itself), or -1; empty = none has any.
  std::vector<int64_t> prefixes = {};
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_width = 0;
  float scale = 1;
  bool causal = true;  // a token sees itself and those before it
};

// q [T, N, H], k and v [T, K, H], dense -> out [T, N, H], lse [T, N].
template <class T>
void VarlenAttentionForward(const VarlenShape& shape, const T* q, const T* k,
                            const T* v, T* out, float* lse);
// grad, out [T, N, H] and the forward pass's inputs -> grad_q [T, N, H],
// grad_k and grad_v [T, K, H], overwritten.
template <class T>
void VarlenAttentionBackward(const VarlenShape& shape, const T* grad,
                             const T* q, const T* k, const T* v, const T* out,
                             const float* lse, T* grad_q, T* grad_k, T* grad_v);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ATTENTION_VARLEN_ATTENTION_H_
