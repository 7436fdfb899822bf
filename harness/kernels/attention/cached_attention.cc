#include "harness/kernels/attention/cached_attention.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "harness/kernels/shared/vectorized.h"

namespace sft::kernels {
namespace {

// tanh(x) by the kernels' exponential: 1e-7 absolute, where a cap multiplies
// it.
SFT_INLINE float Tanh(float x) { return 1.0f - 2.0f / (1.0f + Exp(2.0f * x)); }

// The heads of one key head: q [G, H], keys and values [S, H] from the first
// slot seen on, scores: room for G * seen.
template <class T>
SFT_INLINE void Attend(const CachedShape& shape, int64_t groups, int64_t seen,
                       const float* q, const T* keys, const T* values,
                       float* scores, float* out) {
  const int64_t H = shape.head_width;
  for (int64_t s = 0; s < seen; ++s) {
    const T* key = keys + s * H;
    for (int64_t g = 0; g < groups; ++g) {
      const float* query = q + g * H;
      scores[g * seen + s] = shape.scale * LaneSum(H, [=](int64_t i) {
                               return query[i] * ToFloat(key[i]);
                             });
    }
  }
  for (int64_t g = 0; g < groups; ++g) {
    float* row = scores + g * seen;
    if (shape.softcap > 0) {
      const float cap = shape.softcap;
      for (int64_t s = 0; s < seen; ++s) row[s] = cap * Tanh(row[s] / cap);
    }
    const float most = LaneMax(seen, -std::numeric_limits<float>::infinity(),
                               [=](int64_t s) { return row[s]; });
    for (int64_t s = 0; s < seen; ++s) row[s] = Exp(row[s] - most);
    const float sum = LaneSum(seen, [=](int64_t s) { return row[s]; });
    float* to = out + g * H;
    for (int64_t i = 0; i < H; ++i) to[i] = 0;
    for (int64_t s = 0; s < seen; ++s) {
      const T* value = values + s * H;
      const float weight = row[s];
      for (int64_t i = 0; i < H; ++i) to[i] += weight * ToFloat(value[i]);
    }
    for (int64_t i = 0; i < H; ++i) {
      T rounded;
      Store(to[i] / sum, &rounded);
      to[i] = ToFloat(rounded);
    }
  }
}

// A new token's key and value to their slot.
template <class T>
SFT_INLINE void KeepUnit(const float* k, const float* v, int64_t H, T* key,
                         T* value) {
  for (int64_t i = 0; i < H; ++i) Store(k[i], key + i);
  for (int64_t i = 0; i < H; ++i) Store(v[i], value + i);
}

template <class T>
SFT_INLINE void AttendUnit(const CachedShape& shape, int64_t groups,
                           int64_t slot, const float* q, const T* keys,
                           const T* values, float* scores, float* out) {
  const int64_t seen =
      shape.window > 0 ? std::min(shape.window, slot + 1) : slot + 1;
  const int64_t first = (slot + 1 - seen) * shape.head_width;
  Attend<T>(shape, groups, seen, q, keys + first, values + first, scores, out);
}

// Products from which on a second thread is worth its start.
constexpr int64_t kTaskProducts = 1 << 16;

}  // namespace

template <class T>
void CachedAttentionRows(const CachedShape& shape, const float* q,
                         const float* k, const float* v, T* keys, T* values,
                         float* out) {
  const int64_t N = shape.heads, K = shape.kv_heads, H = shape.head_width;
  TORCH_CHECK(K > 0 && N % K == 0, K, " key heads do not divide ", N);
  const int64_t groups = N / K;
  const int64_t longest =
      *std::max_element(shape.slots_M, shape.slots_M + shape.tokens) + 1;
  TORCH_CHECK(longest <= shape.slots, longest, " tokens in ", shape.slots,
              " slots");
  // Where the row and key head of a unit, a token's key head, lie.
  const auto base = [&](int64_t unit) {
    return (shape.rows_M[unit / K] * K + unit % K) * shape.slots * H;
  };
  for (int64_t unit = 0; unit < shape.tokens * K; ++unit) {
    const int64_t at = base(unit) + shape.slots_M[unit / K] * H;
    Vectorized<&KeepUnit<T>>(k + unit * H, v + unit * H, H, keys + at,
                             values + at);
  }
  const int64_t grain =
      std::max<int64_t>(1, kTaskProducts / (longest * groups * H));
  const auto attend = [&](int64_t first, int64_t last) {
    thread_local std::vector<float> scores;
    scores.resize(static_cast<size_t>(groups * longest));
    for (int64_t unit = first; unit < last; ++unit) {
      Vectorized<&AttendUnit<T>>(shape, groups, shape.slots_M[unit / K],
                                 q + unit * groups * H, keys + base(unit),
                                 values + base(unit), scores.data(),
                                 out + unit * groups * H);
    }
  };
  at::parallel_for(0, shape.tokens * K, grain, attend);
}
template void CachedAttentionRows(const CachedShape&, const float*,
                                  const float*, const float*, float*, float*,
                                  float*);
template void CachedAttentionRows(const CachedShape&, const float*,
                                  const float*, const float*, Bf16*, Bf16*,
                                  float*);

}  // namespace sft::kernels
