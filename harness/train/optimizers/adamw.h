// AdamW (Loshchilov & Hutter, arXiv 1711.05101) over the trainable parameters
// only. For gradient g, step t, rate lr:
//   w -= lr wd w;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
//   w -= lr / (1-b1^t) * m / (sqrt(v / (1-b2^t)) + eps).
// f32 goes through LibTorch's fused operator, f64 through the plain form
// below, which is also the fused one's oracle.
#ifndef HARNESS_TRAIN_OPTIMIZERS_ADAMW_H_
#define HARNESS_TRAIN_OPTIMIZERS_ADAMW_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "harness/spec/run_config.h"
#include "harness/train/optimizers/optimizer.h"

namespace sft::train {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool force_reference = false;  // the plain form for every dtype
};

AdamWOptions AdamWOptionsOf(const spec::RunConfig& config);

// Bytes that a parameter of so many numbers, of `number_bytes` each, has as
// state: two moments of its type, and the step count.
int64_t AdamWStateBytes(int64_t numbers, int64_t number_bytes);

class AdamW : public Optimizer {
 public:
  // Makes a moment of zeros: shape, type and device of the parameter.
  using MakeMoment = std::function<at::Tensor(const at::Tensor& parameter)>;

  AdamW(std::vector<TrainableParameter> parameters,
        const AdamWOptions& options);

  // "<parameter>.exp_avg", ".exp_avg_sq", ".step".
  std::vector<NamedTensor> State() const override;
  at::Tensor FirstMoment(size_t index) const override {
    return moments_[index].exp_avg;
  }

 protected:
  struct Moments {
    at::Tensor exp_avg;
    at::Tensor exp_avg_sq;
    at::Tensor step;  // f32 scalar, steps taken
  };
  AdamW(std::vector<TrainableParameter> parameters, const AdamWOptions& options,
        const MakeMoment& make_moment);
  void MoveRange(size_t begin, size_t end, double learning_rate) override;
  const std::vector<Moments>& moments() const { return moments_; }

 private:
  void FusedStep(size_t begin, size_t end, double learning_rate);
  void ReferenceStep(size_t begin, size_t end, double learning_rate);

  std::vector<Moments> moments_;
  AdamWOptions options_;
  bool fused_ = true;
};

}  // namespace sft::train

#endif  // HARNESS_TRAIN_OPTIMIZERS_ADAMW_H_
