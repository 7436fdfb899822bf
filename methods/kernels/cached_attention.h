// Attention of one new token a row over the keys and values that a generation
// keeps, on the CPU: softmax(scale q k^T) v with f32 arithmetic, sums in fixed
// order. `T` is float or Bf16, the cache's type; what comes and goes is f32
// that holds values of T.
// B rows, N query heads, K key heads (K divides N), S slots, H head width.
#ifndef METHODS_KERNELS_CACHED_ATTENTION_H_
#define METHODS_KERNELS_CACHED_ATTENTION_H_

#include <cstdint>

#include "methods/kernels/vector_math.h"

namespace sft {

struct CachedShape {
  int64_t rows = 0, heads = 0, kv_heads = 0, head_width = 0;
  int64_t slots = 0;                   // S
  const int64_t* lengths_B = nullptr;  // slots filled before the new token
  float scale = 1;
  float softcap = 0;   // 0 = none
  int64_t window = 0;  // slots seen, the new one included; 0 = all
};

// q [B, N, H]; k and v [B, K, H], written to slot lengths[b] of the dense
// keys and values [B, K, S, H]; out [B, N, H].
template <class T>
void CachedAttentionRows(const CachedShape& shape, const float* q,
                         const float* k, const float* v, T* keys, T* values,
                         float* out);

}  // namespace sft

#endif  // METHODS_KERNELS_CACHED_ATTENTION_H_
