// Forward and backward passes of a device, captured once a batch shape and
// replayed: a step of a small model is otherwise the time that its launches
// take.
#ifndef HARNESS_TRAIN_STEP_GRAPHS_H_
#define HARNESS_TRAIN_STEP_GRAPHS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/core/batch.h"
#include "harness/data/batch_shape.h"
#include "harness/kernels/device/device_graph.h"
#include "harness/model/model.h"
#include "harness/train/batch_feed.h"
#include "harness/train/optimizers/optimizer.h"
#include "harness/train/step_plan.h"

namespace sft::train {

// A pass is worth its capture from so many uses on: the first runs kernel by
// kernel, the second is captured.
inline constexpr int64_t kLeastReplays = 3;

// Of one round: what a replay reads and writes must stay where it is. Numbers
// are the same whether a pass is replayed or runs kernel by kernel, so that a
// resumed run, which captures later, goes on alike.
class StepGraphs {
 public:
  // Whether passes of this model can be captured on its device.
  static bool CanCapture(model::Model& model);
  // Model and optimizer outlive it.
  StepGraphs(model::Model& model, Optimizer& optimizer);
  ~StepGraphs();

  // Before a step's first micro-batch: gradients that replays add to are put in
  // place, and are zero.
  void BeginStep();
  // Batches of FilledUp().
  bool Serves(const Batch& batch) const { return batch.longest > 0; }
  // For one of them, on the device: adds the gradient of its
  // loss / targets to the parameters', as backward() does. Returns the sum of
  // its losses, detached.
  at::Tensor Run(const Batch& batch, double targets);
  // Why passes run kernel by kernel after all; empty while they do not.
  const std::string& broken() const { return broken_; }

 private:
  struct Pass;
  void ForwardAndBackward(Pass& pass);
  void KeepGradients();

  model::Model& model_;
  Optimizer& optimizer_;
  std::shared_ptr<kernels::CaptureSpace> space_;
  std::map<data::BatchShape, std::unique_ptr<Pass>> passes_;
  std::vector<at::Tensor> gradients_;  // a parameter each, or undefined
  std::string broken_;
};

// The shapes that the plan's flat micro-batches are filled up to.
PlanShapes ShapesOfPlan(const std::vector<Example>& examples,
                        const StepPlan& plan);

}  // namespace sft::train

#endif  // HARNESS_TRAIN_STEP_GRAPHS_H_
