// The micro-batches of a round's steps, on the device that trains on them.
#ifndef HARNESS_TRAIN_BATCH_FEED_H_
#define HARNESS_TRAIN_BATCH_FEED_H_

#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/core/batch.h"
#include "harness/data/batch_shape.h"
#include "harness/data/collator.h"
#include "harness/train/step_plan.h"

namespace sft::train {

// By step and micro-batch; none where a batch is left as it is.
using PlanShapes = std::vector<std::vector<std::optional<data::BatchShape>>>;

// Every argument outlives it. A batch is the same whether it was prepared or
// not: collators are functions of rows and plan.
class BatchFeed {
 public:
  // `shapes`: what flat micro-batches are filled up to, step by step; empty =
  // nothing is.
  BatchFeed(const std::vector<Example>& examples,
            const data::Collator& collator, const StepPlan& plan,
            at::Device device, PlanShapes shapes = {});

  // The micro-batches of the plan's `step` (from 0).
  std::vector<Batch> Take(int64_t step);
  // Collates those of `step`, and begins to copy them to a device from pinned
  // memory, on a stream of its own: beside what the device computes meanwhile.
  // Nothing, behind the end of the plan.
  void Prepare(int64_t step);

 private:
  std::vector<Batch> Collated(int64_t step) const;

  const std::vector<Example>& examples_;
  const data::Collator& collator_;
  const StepPlan& plan_;
  at::Device device_;
  PlanShapes shapes_;
  std::optional<int64_t> prepared_step_;
  std::vector<Batch> prepared_;
  std::optional<c10::Stream> copies_;
  std::optional<c10::Event> copied_;
};

}  // namespace sft::train

#endif  // HARNESS_TRAIN_BATCH_FEED_H_
