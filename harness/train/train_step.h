// One optimizer step over micro-batches m with target tokens n_m:
//   gradient = d/dw sum_m loss_sum_m / sum_m n_m, clipped, then the optimizer's
//   step, or what the method's hook makes of it.
#ifndef HARNESS_TRAIN_TRAIN_STEP_H_
#define HARNESS_TRAIN_TRAIN_STEP_H_

#include <functional>
#include <vector>

#include "harness/core/batch.h"
#include "harness/core/records.h"
#include "harness/model/model.h"
#include "harness/spec/run_config.h"
#include "harness/train/method.h"
#include "harness/train/optimizers/optimizer.h"
#include "harness/train/step_graphs.h"

namespace sft::train {

// What a step acts on.
struct StepParts {
  const spec::RunConfig& config;
  model::Model& model;
  Optimizer& optimizer;
  StepHook* hook = nullptr;      // null: none
  StepGraphs* graphs = nullptr;  // null: passes run kernel by kernel
};

// Fills `record`, whose number, round and learning rate are the step's.
// Weights stay where loss or gradient is not finite. `while_busy` is called
// while a device is at work on the step; never on a processor.
StepRecord TakeStep(const StepParts& parts, const std::vector<Batch>& batches,
                    StepRecord record, const std::function<void()>& while_busy);

}  // namespace sft::train

#endif  // HARNESS_TRAIN_TRAIN_STEP_H_
