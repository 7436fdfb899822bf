#include "harness/train/step_graphs.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

namespace sft::train {
namespace {

data::BatchShape ShapeOf(const Batch& batch) {
  return {batch.slots(), batch.cu_seqlens.size(0) - 1, batch.target_M.size(0),
          batch.longest};
}

data::BatchShape ShapeOf(const std::vector<Example>& examples,
                         const data::MicroBatchPlan& plan) {
  data::BatchShape shape;
  shape.sequences = static_cast<int64_t>(plan.pieces.size());
  for (const data::Piece& piece : plan.pieces) {
    shape.tokens += piece.length;
    shape.targets += PieceTargets(examples, piece);
    shape.longest = std::max(shape.longest, piece.length);
  }
  return shape;
}

}  // namespace

// One shape's batch, divisor and loss, whose places the graph remembers.
struct StepGraphs::Pass {
  Batch batch;
  at::Tensor divisor;
  at::Tensor loss_sum;
  bool warm = false;
  std::unique_ptr<kernels::DeviceGraph> graph;
};

bool StepGraphs::CanCapture(model::Model& model) {
  return kernels::HasDeviceGraphs(model.device()) && model.IsReplayable();
}

StepGraphs::StepGraphs(model::Model& model, Optimizer& optimizer)
    : model_(model),
      optimizer_(optimizer),
      space_(kernels::MakeCaptureSpace(model.device())) {}

StepGraphs::~StepGraphs() = default;

void StepGraphs::BeginStep() {
  if (gradients_.empty()) return;
  c10::NoGradGuard no_grad;
  std::vector<at::Tensor> made;
  for (size_t i = 0; i < gradients_.size(); ++i) {
    if (!gradients_[i].defined()) continue;
    at::Tensor parameter = optimizer_.parameters()[i].tensor;
    parameter.mutable_grad() = gradients_[i];
    made.push_back(gradients_[i]);
  }
  if (!made.empty()) at::_foreach_zero_(made);
}

void StepGraphs::ForwardAndBackward(Pass& pass) {
  const model::LossOutput out = model_.SumLoss(pass.batch);
  pass.loss_sum = out.loss_sum.detach();
  out.loss_sum.div(pass.divisor).backward();
}

at::Tensor StepGraphs::Run(const Batch& batch, double targets) {
  std::unique_ptr<Pass>& pass = passes_[ShapeOf(batch)];
  if (pass == nullptr) {
    pass = std::make_unique<Pass>();
    pass->batch = batch;
    for (at::Tensor* tensor : TensorsOf(pass->batch)) *tensor = tensor->clone();
    pass->divisor = at::empty(
        {}, batch.target_M.options().dtype(model_.compute_dtype() == at::kDouble
                                               ? at::kDouble
                                               : at::kFloat));
  } else {
    Batch from = batch;
    const std::vector<at::Tensor*> to = TensorsOf(pass->batch);
    const std::vector<at::Tensor*> source = TensorsOf(from);
    for (size_t i = 0; i < to.size(); ++i) to[i]->copy_(*source[i]);
    pass->batch.target_tokens = batch.target_tokens;
  }
  pass->divisor.fill_(targets);
  const auto work = [&] { ForwardAndBackward(*pass); };
  if (pass->warm && pass->graph == nullptr && broken_.empty()) {
    try {
      pass->graph = kernels::DeviceGraph::Capture(space_, work);
    } catch (const c10::Error& error) {
      broken_ = error.what_without_backtrace();
    }
  }
  if (pass->graph != nullptr) {
    pass->graph->Replay();
  } else {
    kernels::RunOnCaptureStream(*space_, work);
    pass->warm = true;
  }
  if (gradients_.empty()) KeepGradients();
  return pass->loss_sum.clone();
}

void StepGraphs::KeepGradients() {
  c10::NoGradGuard no_grad;
  for (const TrainableParameter& p : optimizer_.parameters()) {
    gradients_.push_back(p.tensor.grad());
    // As a gradient that is added to zeros: no negative zero is left.
    if (gradients_.back().defined()) gradients_.back().add_(0);
  }
}

PlanShapes ShapesOfPlan(const std::vector<Example>& examples,
                        const StepPlan& plan) {
  std::vector<data::BatchShape> sizes;
  for (const PlannedStep& step : plan.steps) {
    for (const data::MicroBatchPlan& micro : step.micro_batches) {
      sizes.push_back(ShapeOf(examples, micro));
    }
  }
  const auto shared = data::SharedShapes(sizes, kLeastReplays);
  PlanShapes shapes;
  auto next = shared.begin();
  for (const PlannedStep& step : plan.steps) {
    shapes.emplace_back(next,
                        next + static_cast<int64_t>(step.micro_batches.size()));
    next += static_cast<int64_t>(step.micro_batches.size());
  }
  return shapes;
}

}  // namespace sft::train
