// AdamW (Loshchilov & Hutter, arXiv 1711.05101) over the trainable parameters
// only. For gradient g, step t, rate lr:
//   w -= lr wd w;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
//   w -= lr / (1-b1^t) * m / (sqrt(v / (1-b2^t)) + eps).
// f32 goes through LibTorch's fused operator, f64 through the plain form
// below, which is also the fused one's oracle.
#ifndef HARNESS_TRAIN_OPTIMIZER_H_
#define HARNESS_TRAIN_OPTIMIZER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "harness/core/batch.h"
#include "harness/train/method.h"

namespace sft {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool force_reference = false;  // the plain form for every dtype
};

class AdamW {
 public:
  AdamW(std::vector<TrainableParameter> parameters,
        const AdamWOptions& options);

  // Moves every parameter that has a gradient; one without keeps its value,
  // its moments and its own step count.
  void Step(double learning_rate);
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

  // "<parameter>.exp_avg", ".exp_avg_sq", ".step".
  std::vector<NamedTensor> State() const;
  // InvalidArgument, and nothing changed, unless every tensor is there with
  // the right shape and type.
  absl::Status LoadState(const std::vector<NamedTensor>& state);
  int64_t StateBytes() const;
  int64_t trainable_parameters() const;
  const std::vector<TrainableParameter>& parameters() const {
    return parameters_;
  }

 private:
  struct Moments {
    at::Tensor exp_avg;
    at::Tensor exp_avg_sq;
    at::Tensor step;  // f32 scalar, steps taken
  };
  // The parameters [begin, end) that have a gradient.
  void StepRange(size_t begin, size_t end, double learning_rate);
  void FusedStep(size_t begin, size_t end, double learning_rate);
  void ReferenceStep(size_t begin, size_t end, double learning_rate);

  std::vector<TrainableParameter> parameters_;
  std::vector<Moments> moments_;
  std::vector<double> dropped_;  // sums of squares of gradients that are gone
  AdamWOptions options_;
  bool fused_ = true;
};

}  // namespace sft

#endif  // HARNESS_TRAIN_OPTIMIZER_H_
