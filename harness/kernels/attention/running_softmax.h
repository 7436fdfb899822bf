// The softmax of attention on the CPU, a block of query rows at a time: the
// weights of scores that tile products made. Vectors of the processor's own
// width, a product and its sum in one instruction where it has that.
#ifndef HARNESS_KERNELS_ATTENTION_RUNNING_SOFTMAX_H_
#define HARNESS_KERNELS_ATTENTION_RUNNING_SOFTMAX_H_

#include <cstdint>

#include "harness/kernels/shared/vector_math.h"

namespace sft::kernels {

// Rows of scores are whole vectors: a multiple of so many keys, of which those
// that a row does not see may hold anything.
inline constexpr int64_t kScoreLanes = 16;
constexpr int64_t ScoreRow(int64_t keys) {
  return Parts(keys, kScoreLanes) * kScoreLanes;
}

// A block of query rows: tokens [begin, begin + tokens) of its sequence, each
// of the `groups` heads of one key head, head by head; they read the first
// `keys` keys.
struct QueryBlock {
  int64_t begin = 0, tokens = 0, groups = 1, keys = 0;
  int64_t before = 0;  // keys of the sequence's prefix, the first ones
  bool causal = true;

  int64_t rows() const { return groups * tokens; }
  // Keys that a row sees.
  int64_t Seen(int64_t row) const {
    return causal ? before + begin + row % tokens + 1 : keys;
  }
};

// What the rows of a block have read so far, all relative to e^most, their
// largest score yet.
struct RunningSoftmax {
  float* most;
  float* sum;
  float* result;  // [rows, width], of values times weights
  int64_t width;
};

// scores [rows, keys] of the keys from `first` on -> their weights, zeros where
// a row does not see; the running sums with them, the results made ready for
// the weighted values (online softmax: Milakov and Gimelshein 2018).
void ReadScores(const QueryBlock& block, int64_t first, int64_t keys,
                float* scores, const RunningSoftmax& running);

// scores [rows, keys] of all keys -> probabilities, given the log-sum-exp of
// each row.
void ScoresToProbabilities(const QueryBlock& block, int64_t keys,
                           const float* lse, float* scores);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ATTENTION_RUNNING_SOFTMAX_H_
