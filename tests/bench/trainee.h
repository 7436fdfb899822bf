// What the benchmarks of a step train.
#ifndef TESTS_BENCH_TRAINEE_H_
#define TESTS_BENCH_TRAINEE_H_

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "harness/core/stopwatch.h"
#include "harness/core/tensor_allocator.h"
#include "harness/measure/flops.h"
#include "harness/measure/memory.h"
#include "harness/train/optimizer_moves.h"
#include "harness/train/optimizers/adamw.h"
#include "harness/train/step_graphs.h"
#include "methods/registry.h"

namespace sft::bench {

// Of a step, processor time in seconds.
struct StepParts {
  double forward = 0, backward = 0;
  double method = 0;  // what it does to gradients
  double moving = 0;  // norm, clipping and what moves the weights
  double total() const { return forward + backward + method + moving; }
};

// A model, a method attached to it, and its optimizer.
class Trainee {
 public:
  Trainee(std::unique_ptr<model::Model> model, const std::string& method,
          const std::map<std::string, std::string>& options = {},
          const std::vector<Example>& calibration = {})
      : model_(std::move(model)) {
    const MemoryScope weights(MemoryUse::kWeights);
    spec::RunConfig config;
    config.method = method;
    train::CalibrationRows asked;
    for (const train::UpdateMethodRow& row : methods::AllMethods().update) {
      if (row.name != method) continue;
      for (const FieldSpec& field : row.options) {
        config.method_options[field.name] = field.default_text;
      }
      for (const auto& [name, value] : options) {
        config.method_options[name] = value;
      }
      method_ = *row.make(config);
      if (row.calibration) asked = row.calibration(config);
    }
    const Stopwatch watch;
    TORCH_CHECK(method_, "no method ", method);
    if (!method_->ReadsMapByMap()) TORCH_CHECK(model_->ReadMaps().ok());
    TORCH_CHECK(method_->Attach(*model_).ok() && model_->ReadMaps().ok() &&
                    method_->BeginRound(0).ok(),
                "cannot attach ", method);
    begin_seconds_ = absl::ToDoubleSeconds(watch.Cpu());
    if (!calibration.empty() && asked.rows > 0) {
      // What reads the round before begins with the second one.
      TORCH_CHECK(!asked.of_round_before || method_->BeginRound(1).ok());
      const Stopwatch reading;
      TORCH_CHECK(method_->Calibrate(calibration).ok());
      calibration_seconds_ = absl::ToDoubleSeconds(reading.Cpu()) *
                             static_cast<double>(asked.rows) /
                             static_cast<double>(calibration.size());
    }
    const MemoryScope moments(MemoryUse::kOptimizer);
    optimizer_ = std::make_unique<train::AdamW>(method_->TrainableParameters(),
                                                train::AdamWOptions{});
  }

  model::Model& model() { return *model_; }

  train::Optimizer& optimizer() { return *optimizer_; }

  // Processor time of attaching, and what reading as many rows as the method
  // asks for would take.
  double begin_seconds() const { return begin_seconds_; }
  double calibration_seconds() const { return calibration_seconds_; }

  // Mean loss of the batch, nats a target. With graphs the batch is filled up,
  // and its pass is replayed.
  double Step(const Batch& batch, train::StepGraphs* graphs = nullptr,
              StepParts* parts = nullptr) {
    Stopwatch watch;
    const auto lap = [&](double StepParts::*part) {
      if (parts != nullptr) parts->*part = absl::ToDoubleSeconds(watch.Cpu());
      watch = Stopwatch();
    };
    const MemoryScope memory(MemoryUse::kActivations);
    const auto targets = static_cast<double>(batch.target_tokens);
    at::Tensor loss_sum;
    if (graphs != nullptr) {
      graphs->BeginStep();
      loss_sum = graphs->Run(batch, targets);
    } else {
      const model::LossOutput out = model_->SumLoss(batch);
      lap(&StepParts::forward);
      out.loss_sum.div(targets).backward();
      loss_sum = out.loss_sum.detach();
    }
    lap(&StepParts::backward);
    const c10::NoGradGuard no_grad;
    train::StepHook* const hook = method_->step_hook();
    if (hook != nullptr) hook->OnGradients();
    lap(&StepParts::method);
    const double norm = optimizer_->GradNorm();
    optimizer_->ClipGradients(norm, 1.0);
    train::OptimizerMoves moves(*optimizer_, 1e-6);
    if (hook != nullptr) {
      hook->Move(moves);
    } else {
      moves.MoveAll();
    }
    optimizer_->DropGradients();
    lap(&StepParts::moving);
    return loss_sum.item<double>() / targets;
  }

  measure::Flops FlopsOf(const Batch& batch) {
    return measure::StepFlops(measure::MakeFlopModel(*model_, false),
                              measure::WorkOf(batch));
  }

  // What the optimizer and the method hold beside the model.
  int64_t PredictedStateBytes() {
    const measure::TrainedBytes trained = Trained();
    return trained.optimizer + trained.method_state;
  }

  int64_t PredictedBytes(const Batch& batch) {
    const measure::TrainedBytes trained = Trained();
    int64_t total = -measure::kProcessBytes;  // tensors are compared
    for (const auto& [use, bytes] : measure::PredictTrainingBytes(
             *model_, trained,
             {.tokens = batch.slots(), .targets = batch.target_tokens})) {
      total += bytes;
    }
    return total;
  }

 private:
  measure::TrainedBytes Trained() {
    measure::TrainedBytes trained;
    for (const train::TrainableParameter& p : optimizer_->parameters()) {
      trained.Add(
          static_cast<int64_t>(p.tensor.nbytes()),
          train::AdamWStateBytes(p.tensor.numel(), p.tensor.element_size()));
    }
    trained.method_state = method_->StateBytes();
    return trained;
  }

  double begin_seconds_ = 0, calibration_seconds_ = 0;
  std::unique_ptr<model::Model> model_;
  std::unique_ptr<train::UpdateMethod> method_;
  std::unique_ptr<train::Optimizer> optimizer_;
};

}  // namespace sft::bench

#endif  // TESTS_BENCH_TRAINEE_H_
