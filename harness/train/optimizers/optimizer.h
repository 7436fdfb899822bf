// What moves the trainable parameters: gradients, their norm and clipping are
// here, the rule that moves a weight and its state in a class derived from it.
// The trainer knows no other; registry.h makes them by name.
#ifndef HARNESS_TRAIN_OPTIMIZERS_OPTIMIZER_H_
#define HARNESS_TRAIN_OPTIMIZERS_OPTIMIZER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "harness/core/batch.h"
#include "harness/train/optimizers/trainable_parameter.h"

namespace sft::train {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Moves every parameter that has a gradient; one without keeps its value,
  // its state and its own step count.
  void Step(double learning_rate) {
    StepRange(0, parameters_.size(), learning_rate);
  }
  // The parameters [begin, end) alone: bit for bit as Step() would.
  void StepRange(size_t begin, size_t end, double learning_rate);
  // Moves one parameter as Step() would and drops its gradient, whose norm
  // GradNorm() still counts; without moving it where that is not finite. On
  // the CPU. At once would be the same, bit for bit.
  void StepAndDrop(size_t index, double learning_rate);
  // Gradients become undefined, and their memory is given back.
  void DropGradients();
  // L2 norm of all gradients together, summed in double and in an order that
  // depends on nothing but their sizes (on CPU).
  double GradNorm() const;
  // Multiplies every gradient by min(1, max_norm / (norm + 1e-6)), as torch's
  // clip_grad_norm_ does.
  void ClipGradients(double norm, double max_norm);

  // "<parameter>.<what>": the tensors themselves, all that a step reads beside
  // weights and gradients.
  virtual std::vector<NamedTensor> State() const = 0;
  // What is remembered as the mean of a parameter's gradients, in its shape.
  virtual at::Tensor FirstMoment(size_t index) const = 0;
  // Takes over what an optimizer before it had as State(), of parameters that
  // both move.
  void KeepState(const std::vector<NamedTensor>& before);
  // InvalidArgument, and nothing changed, unless every tensor is there with
  // the right shape and type.
  absl::Status LoadState(const std::vector<NamedTensor>& state);
  int64_t StateBytes() const;
  int64_t trainable_parameters() const;
  const std::vector<TrainableParameter>& parameters() const {
    return parameters_;
  }

 protected:
  // Leaves that require grad, f32 or f64.
  explicit Optimizer(std::vector<TrainableParameter> parameters);
  // StepRange, while no gradient is recorded.
  virtual void MoveRange(size_t begin, size_t end, double learning_rate) = 0;

 private:
  std::vector<TrainableParameter> parameters_;
  std::vector<double> dropped_;  // sums of squares of gradients that are gone
};

}  // namespace sft::train

#endif  // HARNESS_TRAIN_OPTIMIZERS_OPTIMIZER_H_
