// Attention of new tokens over the keys and values that a generation keeps, on
// the CPU: softmax(scale q k^T) v with f32 arithmetic, sums in fixed
// order. `T` is float or Bf16, the cache's type; what comes and goes is f32
// that holds values of T.
// M new tokens, B rows of the cache, N query heads, K key heads (K divides N),
// S slots, H head width.
#ifndef HARNESS_KERNELS_ATTENTION_CACHED_ATTENTION_H_
#define HARNESS_KERNELS_ATTENTION_CACHED_ATTENTION_H_

#include <cstdint>

#include "harness/kernels/shared/vector_math.h"

namespace sft::kernels {

struct CachedShape {
  int64_t tokens = 0, heads = 0, kv_heads = 0, head_width = 0;
  int64_t slots = 0;  // S
  // Of each new token: its row, and its slot, which ends what it sees.
  const int64_t *rows_M = nullptr, *slots_M = nullptr;
  float scale = 1;
  float softcap = 0;   // 0 = none
  int64_t window = 0;  // slots seen, the new one included; 0 = all
};

// q [M, N, H]; k and v [M, K, H], written to their slots of the dense keys and
// values [B, K, S, H]; out [M, N, H]. Tokens of one row may see each other.
template <class T>
void CachedAttentionRows(const CachedShape& shape, const float* q,
                         const float* k, const float* v, T* keys, T* values,
                         float* out);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ATTENTION_CACHED_ATTENTION_H_
