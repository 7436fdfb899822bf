#include "harness/kernels/attention/varlen_attention.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/kernels/attention/running_softmax.h"
#include "harness/kernels/product/tile_product.h"
#include "harness/kernels/shared/vectorized.h"

namespace sft::kernels {
namespace {

// Query tokens of a block: causal blocks read no key behind their last token.
constexpr int64_t kBlock = 128;
// Forward, a multiple of a tile's rows and few enough that the scores of a
// block and kKeys keys stay in a core's cache from product to product.
constexpr int64_t kForwardBlock = 36;
constexpr int64_t kKeys = 512;
static_assert(kKeys % kPackedColumns == 0 && kKeys % kScoreLanes == 0);

// Rows of `heads` heads: head `first` + g of token t to row g * tokens + t of
// `to` [G * tokens, H], f32, times `scale`.
template <class T>
SFT_INLINE void GatherHeads(const T* from, int64_t tokens, int64_t heads,
                            int64_t first, int64_t count, int64_t width,
                            float scale, float* to) {
  for (int64_t g = 0; g < count; ++g) {
    for (int64_t t = 0; t < tokens; ++t) {
      const T* row = from + (t * heads + first + g) * width;
      float* out = to + (g * tokens + t) * width;
      for (int64_t i = 0; i < width; ++i) out[i] = ToFloat(row[i]) * scale;
    }
  }
}
template <class T>
SFT_INLINE void ScatterHeads(const float* from, int64_t tokens, int64_t heads,
                             int64_t first, int64_t count, int64_t width,
                             T* to) {
  for (int64_t g = 0; g < count; ++g) {
    for (int64_t t = 0; t < tokens; ++t) {
      const float* row = from + (g * tokens + t) * width;
      T* out = to + (t * heads + first + g) * width;
      for (int64_t i = 0; i < width; ++i) Store(row[i], out + i);
    }
  }
}

// grad_p -> grad_s = p (grad_p - delta), delta the row's sum of grad * out.
SFT_INLINE void ScoreGradients(int64_t rows, int64_t keys, int64_t width,
                               const float* grad, const float* out,
                               const float* p, float* grad_p) {
  for (int64_t row = 0; row < rows; ++row) {
    const float* g = grad + row * width;
    const float* o = out + row * width;
    const float delta = LaneSum(width, [=](int64_t i) { return g[i] * o[i]; });
    for (int64_t i = row * keys; i < (row + 1) * keys; ++i) {
      grad_p[i] = p[i] * (grad_p[i] - delta);
    }
  }
}

SFT_INLINE void DivideRows(int64_t rows, int64_t width, const float* by,
                           float* x) {
  for (int64_t row = 0; row < rows; ++row) {
    const float inverse = 1.0f / by[row];
    for (int64_t i = 0; i < width; ++i) x[row * width + i] *= inverse;
  }
}

// Room of one thread, grown as needed and kept.
class Scratch {
 public:
  float* Room(int64_t floats) {
    if (static_cast<int64_t>(room_.size()) < floats) {
      room_.resize(static_cast<size_t>(floats));
    }
    return room_.data();
  }

 private:
  std::vector<float> room_;
};
enum Room {
  kQ,
  kK,
  kV,
  kScores,
  kOut,
  kGrad,
  kGradScores,
  kGradK,
  kGradV,
  kRow,
  kRow2,
  kPacked,
  kRooms
};
thread_local Scratch scratch[kRooms];

// A part of the tokens.
struct Span {
  int64_t start = 0, length = 0;
};
Span SequenceAt(const VarlenShape& shape, int64_t s) {
  return {shape.bounds[s], shape.bounds[s + 1] - shape.bounds[s]};
}
Span PrefixOf(const VarlenShape& shape, int64_t s) {
  if (shape.prefixes.empty() || shape.prefixes[s] < 0) return {};
  const int64_t p = shape.prefixes[s];
  TORCH_CHECK(shape.causal && p < s && shape.prefixes[p] < 0, "sequence ", s,
              " has the prefix ", p, ", wanted one before it without its own");
  return SequenceAt(shape, p);
}

// Calls f(sequence, key head) for all of them, on all threads.
template <class F>
void ForSequences(const VarlenShape& shape, const F& f) {
  TORCH_CHECK(shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0,
              shape.kv_heads, " key heads do not divide ", shape.heads);
  const int64_t sequences = static_cast<int64_t>(shape.bounds.size()) - 1;
  at::parallel_for(0, sequences * shape.kv_heads, 1,
                   [&](int64_t first, int64_t last) {
                     for (int64_t unit = first; unit < last; ++unit) {
                       f(unit / shape.kv_heads, unit % shape.kv_heads);
                     }
                   });
}

// Calls f(block) for the blocks of at most `most` tokens.
template <class F>
void ForBlocks(const VarlenShape& shape, int64_t most, int64_t length,
               int64_t before, const F& f) {
  for (int64_t begin = 0; begin < length; begin += most) {
    const int64_t tokens = std::min(most, length - begin);
    const int64_t last = shape.causal ? begin + tokens : length;
    f(QueryBlock{.begin = begin,
                 .tokens = tokens,
                 .groups = shape.heads / shape.kv_heads,
                 .keys = before + last,
                 .before = before,
                 .causal = shape.causal});
  }
}

}  // namespace

template <class T>
void VarlenAttentionForward(const VarlenShape& shape, const T* q, const T* k,
                            const T* v, T* out, float* lse) {
  const int64_t N = shape.heads, K = shape.kv_heads, H = shape.head_width;
  const int64_t groups = N / K;
  TORCH_CHECK(H <= kPackedDepth, "heads of ", H, " numbers, at most ",
              kPackedDepth);
  const auto gather = InUse<&GatherHeads<T>>();
  const auto scatter = InUse<&ScatterHeads<T>>();
  ForSequences(shape, [&](int64_t sequence, int64_t head) {
    const Span span = SequenceAt(shape, sequence);
    const int64_t start = span.start, length = span.length;
    const Span prefix = PrefixOf(shape, sequence);
    const int64_t own = prefix.length * H;  // where the sequence's own begin
    float* keys = scratch[kK].Room(own + length * H);
    float* values = scratch[kV].Room(own + length * H);
    for (const auto& [from, to] : {std::pair{k, keys}, std::pair{v, values}}) {
      gather(from + prefix.start * K * H, prefix.length, K, head, 1, H, 1.0f,
             to);
      gather(from + start * K * H, length, K, head, 1, H, 1.0f, to + own);
    }
    const int64_t all = prefix.length + length;
    float* packed = scratch[kPacked].Room(PackedSize(all, H));
    PackTiles(all, H, {keys, H, /*transposed=*/true}, packed);
    ForBlocks(
        shape, kForwardBlock, length, prefix.length, [&](const QueryBlock& b) {
          const int64_t rows = b.rows();
          const int64_t token = start + b.begin;
          float* queries = scratch[kQ].Room(rows * H);
          float* scores = scratch[kScores].Room(rows * kKeys);
          const RunningSoftmax running = {scratch[kRow].Room(rows),
                                          scratch[kRow2].Room(rows),
                                          scratch[kOut].Room(rows * H), H};
          gather(q + token * N * H, b.tokens, N, head * groups, groups, H,
                 shape.scale, queries);
          for (int64_t first = 0; first < b.keys; first += kKeys) {
            const int64_t count = std::min(kKeys, b.keys - first);
            const int64_t step = ScoreRow(count);
            PackedProduct(rows, step, H, queries, packed + PackedSize(first, H),
                          scores);
            ReadScores(b, first, step, scores, running);
            TileProduct(rows, H, count, 1.0f, {scores, step},
                        {values + first * H, H}, /*add=*/first > 0,
                        running.result, H);
          }
          Vectorized<&DivideRows>(rows, H, running.sum, running.result);
          scatter(running.result, b.tokens, N, head * groups, groups, H,
                  out + token * N * H);
          for (int64_t g = 0; g < groups; ++g) {
            for (int64_t t = 0; t < b.tokens; ++t) {
              const int64_t row = g * b.tokens + t;
              lse[(token + t) * N + head * groups + g] =
                  running.most[row] + std::log(running.sum[row]);
            }
          }
        });
  });
}

template <class T>
void VarlenAttentionBackward(const VarlenShape& shape, const T* grad,
                             const T* q, const T* k, const T* v, const T* out,
                             const float* lse, T* grad_q, T* grad_k,
                             T* grad_v) {
  const int64_t N = shape.heads, K = shape.kv_heads, H = shape.head_width;
  const int64_t groups = N / K;
  TORCH_CHECK(shape.prefixes.empty(), "prefixes have no backward pass");
  const auto gather = InUse<&GatherHeads<T>>();
  const auto scatter = InUse<&ScatterHeads<T>>();
  ForSequences(shape, [&](int64_t sequence, int64_t head) {
    const Span span = SequenceAt(shape, sequence);
    const int64_t start = span.start, length = span.length;
    float* keys = scratch[kK].Room(length * H);
    float* values = scratch[kV].Room(length * H);
    float* of_keys = scratch[kGradK].Room(length * H);
    float* of_values = scratch[kGradV].Room(length * H);
    gather(k + start * K * H, length, K, head, 1, H, 1.0f, keys);
    gather(v + start * K * H, length, K, head, 1, H, 1.0f, values);
    std::fill_n(of_keys, length * H, 0.0f);
    std::fill_n(of_values, length * H, 0.0f);
    ForBlocks(shape, kBlock, length, 0, [&](const QueryBlock& b) {
      const int64_t rows = b.rows();
      const int64_t token = start + b.begin;
      const int64_t first = head * groups;
      const int64_t step = ScoreRow(b.keys);
      float* queries = scratch[kQ].Room(rows * H);
      float* p = scratch[kScores].Room(rows * step);
      float* result = scratch[kOut].Room(rows * H);
      float* of_result = scratch[kGrad].Room(rows * H);
      float* of_scores = scratch[kGradScores].Room(rows * step);
      float* shift = scratch[kRow].Room(rows);
      gather(q + token * N * H, b.tokens, N, first, groups, H, shape.scale,
             queries);
      gather(out + token * N * H, b.tokens, N, first, groups, H, 1.0f, result);
      gather(grad + token * N * H, b.tokens, N, first, groups, H, 1.0f,
             of_result);
      Vectorized<&GatherHeads<float>>(lse + token * N, b.tokens, N, first,
                                      groups, 1, 1.0f, shift);
      TileProduct(rows, b.keys, H, 1.0f, {queries, H}, {keys, H, true},
                  /*add=*/false, p, step);
      ScoresToProbabilities(b, step, shift, p);
      TileProduct(b.keys, H, rows, 1.0f, {p, step, true}, {of_result, H},
                  /*add=*/true, of_values, H);
      TileProduct(rows, b.keys, H, 1.0f, {of_result, H}, {values, H, true},
                  /*add=*/false, of_scores, step);
      Vectorized<&ScoreGradients>(rows, step, H, of_result, result, p,
                                  of_scores);
      // The queries hold the scale already.
      TileProduct(b.keys, H, rows, 1.0f, {of_scores, step, true}, {queries, H},
                  /*add=*/true, of_keys, H);
      TileProduct(rows, H, b.keys, shape.scale, {of_scores, step}, {keys, H},
                  /*add=*/false, result, H);
      scatter(result, b.tokens, N, first, groups, H, grad_q + token * N * H);
    });
    scatter(of_keys, length, K, head, 1, H, grad_k + start * K * H);
    scatter(of_values, length, K, head, 1, H, grad_v + start * K * H);
  });
}

#define SFT_INSTANTIATE(T)                                                     \
  template void VarlenAttentionForward(const VarlenShape&, const T*, const T*, \
                                       const T*, T*, float*);                  \
  template void VarlenAttentionBackward(const VarlenShape&, const T*,          \
                                        const T*, const T*, const T*,          \
                                        const T*, const float*, T*, T*, T*);
SFT_INSTANTIATE(float)
SFT_INSTANTIATE(Bf16)
#undef SFT_INSTANTIATE

}  // namespace sft::kernels
