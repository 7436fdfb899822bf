// What the benchmarks of a step train.
#ifndef TESTS_BENCH_TRAINEE_H_
#define TESTS_BENCH_TRAINEE_H_

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "harness/core/tensor_allocator.h"
#include "harness/measure/flops.h"
#include "harness/measure/memory.h"
#include "harness/train/optimizer_moves.h"
#include "harness/train/optimizers/adamw.h"
#include "harness/train/step_graphs.h"
#include "methods/registry.h"

namespace sft::bench {

// A model, a method attached to it, and its optimizer.
class Trainee {
 public:
  Trainee(std::unique_ptr<model::Model> model, const std::string& method)
      : model_(std::move(model)) {
    const MemoryScope weights(MemoryUse::kWeights);
    spec::RunConfig config;
    config.method = method;
    for (const train::UpdateMethodRow& row : methods::AllMethods().update) {
      if (row.name != method) continue;
      for (const FieldSpec& field : row.options) {
        config.method_options[field.name] = field.default_text;
      }
      method_ = *row.make(config);
    }
    TORCH_CHECK(
        method_ && method_->Attach(*model_).ok() && method_->BeginRound(0).ok(),
        "cannot attach ", method);
    const MemoryScope moments(MemoryUse::kOptimizer);
    optimizer_ = std::make_unique<train::AdamW>(method_->TrainableParameters(),
                                                train::AdamWOptions{});
  }

  model::Model& model() { return *model_; }

  train::Optimizer& optimizer() { return *optimizer_; }

  // Mean loss of the batch, nats a target. With graphs the batch is filled up,
  // and its pass is replayed.
  double Step(const Batch& batch, train::StepGraphs* graphs = nullptr) {
    const MemoryScope memory(MemoryUse::kActivations);
    const auto targets = static_cast<double>(batch.target_tokens);
    at::Tensor loss_sum;
    if (graphs != nullptr) {
      graphs->BeginStep();
      loss_sum = graphs->Run(batch, targets);
    } else {
      const model::LossOutput out = model_->SumLoss(batch);
      out.loss_sum.div(targets).backward();
      loss_sum = out.loss_sum.detach();
    }
    const c10::NoGradGuard no_grad;
    train::StepHook* const hook = method_->step_hook();
    if (hook != nullptr) hook->OnGradients();
    const double norm = optimizer_->GradNorm();
    optimizer_->ClipGradients(norm, 1.0);
    train::OptimizerMoves moves(*optimizer_, 1e-6);
    if (hook != nullptr) {
      hook->Move(moves);
    } else {
      moves.MoveAll();
    }
    optimizer_->DropGradients();
    return loss_sum.item<double>() / targets;
  }

  double FlopsOf(const Batch& batch) {
    return measure::StepFlops(measure::MakeFlopModel(*model_, false),
                              measure::WorkOf(batch))
        .total();
  }

  int64_t PredictedBytes(const Batch& batch) {
    measure::TrainedBytes trained;
    for (const train::TrainableParameter& p : optimizer_->parameters()) {
      trained.Add(
          static_cast<int64_t>(p.tensor.nbytes()),
          train::AdamWStateBytes(p.tensor.numel(), p.tensor.element_size()));
    }
    trained.method_state = method_->StateBytes();
    int64_t total = -measure::kProcessBytes;  // tensors are compared
    for (const auto& [use, bytes] : measure::PredictTrainingBytes(
             *model_, trained,
             {.tokens = batch.slots(), .targets = batch.target_tokens})) {
      total += bytes;
    }
    return total;
  }

 private:
  std::unique_ptr<model::Model> model_;
  std::unique_ptr<train::UpdateMethod> method_;
  std::unique_ptr<train::Optimizer> optimizer_;
};

}  // namespace sft::bench

#endif  // TESTS_BENCH_TRAINEE_H_
