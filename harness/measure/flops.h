// Floating-point operations of a training step by formula; a product of
// [m, k] and [k, n] counts 2 m k n. Norms, activations and rotations, below
// one percent, are left out. T computed tokens, I/O in/out features, M target
// tokens, D width, V vocabulary, N heads, H head width. Forward:
//   a linear map   2 T I O
//   attention      4 N H sum_s l_s (l_s + 1) / 2   over sequences, causal;
//                  4 N H sum_s l_s^2 where tokens see both sides
//   head           2 M D V; of encoders each of its maps, over what it reads
//   a table's map  2 S I O a micro-batch, S its rows (distances)
// Backward: as much again for the gradient of the input (while anything
// below it trains), and once more for each weight that trains.
#ifndef HARNESS_MEASURE_FLOPS_H_
#define HARNESS_MEASURE_FLOPS_H_

#include <cstdint>

#include "harness/core/batch.h"
#include "harness/data/collator.h"
#include "harness/model/model.h"

namespace sft::measure {

struct FlopModel {
  model::PassMatrices matrices;
  int64_t heads = 0;
  int64_t head_width = 0;
  int64_t layers = 0;
  bool activation_checkpointing = false;
};
// A matrix trains whose tensor requires a gradient: the method has begun its
// round.
FlopModel MakeFlopModel(model::Model& model, bool activation_checkpointing);

// What the formula needs to know of the batches of a step.
struct StepWork {
  int64_t computed_tokens = 0;  // pads included: they are computed
  int64_t target_tokens = 0;
  // Sum over sequences of l (l + 1) / 2; of l^2 where tokens see both sides.
  int64_t attention_pairs = 0;
  int64_t micro_batches = 0;
};
StepWork WorkOf(const Batch& batch);
StepWork WorkOf(const data::BatchSize& batch, HeadKind head);
StepWork operator+(const StepWork& a, const StepWork& b);

struct Flops {
  double forward = 0;
  double backward_inputs = 0;
  double backward_weights = 0;
  double recomputed = 0;  // by activation checkpointing
  double total() const {
    return forward + backward_inputs + backward_weights + recomputed;
  }
};
Flops StepFlops(const FlopModel& model, const StepWork& work);

}  // namespace sft::measure

#endif  // HARNESS_MEASURE_FLOPS_H_
