// From rows to batches. A collator plans the micro-batches of one pass over
// given rows, then makes each of them.
#ifndef HARNESS_DATA_COLLATOR_H_
#define HARNESS_DATA_COLLATOR_H_

#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "harness/core/batch.h"
#include "harness/core/rng.h"

namespace sft::data {

// A piece of a row: tokens [begin, begin + length) of example `index`.
struct Piece {
  int64_t index = 0;
  int64_t begin = 0;
  int64_t length = 0;
};
// The sequences of one micro-batch, in order. For packed batches several
// consecutive pieces share a bin of at most max_length tokens.
struct MicroBatchPlan {
  std::vector<Piece> pieces;
};

// A micro-batch in numbers.
struct BatchSize {
  // Slots of each sequence that attention sees by itself, pads included.
  std::vector<int64_t> sequences;
  int64_t target_tokens = 0;
  int64_t slots() const {
    return std::accumulate(sequences.begin(), sequences.end(), int64_t{0});
  }
};
BatchSize SizeOfBatch(const Batch& batch);

class Collator {
 public:
  virtual ~Collator() = default;
  // Micro-batches over the rows `order` (indices into `examples`, in the
  // shuffled order of this pass). Same rows and same targets whatever the
  // collator; deterministic given `rng`.
  virtual std::vector<MicroBatchPlan> PlanPass(
      const std::vector<Example>& examples, const std::vector<int64_t>& order,
      Rng& rng) const = 0;
  virtual Batch Collate(const std::vector<Example>& examples,
                        const MicroBatchPlan& plan) const = 0;
  // SizeOfBatch of what Collate() makes; a collator that can tell it from the
  // rows' lengths and targets makes a plan cheap.
  virtual BatchSize SizeOf(const std::vector<Example>& examples,
                           const MicroBatchPlan& plan) const {
    return SizeOfBatch(Collate(examples, plan));
  }
  // What the plan did: "packing.efficiency", "packing.truncated_tokens", ...
  virtual std::map<std::string, double> Report() const { return {}; }
};

// Rows right-padded to the longest, or to `pad_to` if above 0.
Batch PaddedBatch(const std::vector<Example>& examples,
                  const std::vector<Piece>& pieces, int64_t pad_to,
                  int32_t pad_id);
// Rows laid end to end, cu_seqlens at every piece: no pads.
Batch FlatBatch(const std::vector<Example>& examples,
                const std::vector<Piece>& pieces);
// Examples [0, n) in flat batches of at most `max_tokens`, in order: how
// evaluation reads its rows.
std::vector<Batch> FlatBatches(const std::vector<Example>& examples,
                               int64_t max_tokens);
Batch OnDevice(Batch batch, at::Device device);

}  // namespace sft::data

#endif  // HARNESS_DATA_COLLATOR_H_
