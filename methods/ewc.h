// EWC (Kirkpatrick et al. 2017, arXiv 1612.00796, equation 3): full fine-tuning
//   L(w) + lambda / 2 sum_t sum_i F_ti (w_i - w_ti)^2  over earlier tasks t,
// w_t the weights at the end of t, F_t the mean over rows of (d log p(targets)
// / d w)^2 there, at the labels. Kept are F = sum F_t and c = sum F_t w_t / F:
// gradients get lambda F (w - c) before clipping. The recorded loss is L alone.
#ifndef METHODS_EWC_H_
#define METHODS_EWC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "methods/full.h"

namespace sft::methods {

struct EwcOptions {
  double lambda = 1000;
  int64_t fisher_rows = 200;

  template <class V>
  void VisitFields(V& v) {
    v("ewc.lambda", lambda, Limits{0, 1e12, {}},
      "weight of the penalty on moving what an earlier task needs");
    v("ewc.fisher_rows", fisher_rows, Limits{1, 1e9, {}},
      "rows of a task, a sample, of which its Fisher information is the mean");
  }
};

class EwcMethod : public FullMethod, public train::StepHook {
 public:
  EwcMethod(const EwcOptions& options, int64_t seed)
      : FullMethod(/*trains=*/true), options_(options) {
    static_cast<void>(seed);  // nothing is drawn
  }

  absl::Status BeginRound(int64_t round) override;
  absl::Status Calibrate(const std::vector<Example>& rows) override;
  train::StepHook* step_hook() override { return this; }
  void OnGradients() override;
  // "<parameter>.fisher" and ".centre", once there is an earlier task.
  std::vector<NamedTensor> SaveState() override;
  absl::Status LoadState(const std::vector<NamedTensor>& state) override;
  int64_t StateBytes() const override;
  // Adds the mean of F.
  train::MethodReport Report() override;

 private:
  struct Guarded {
    std::string name;
    at::Tensor tensor;
    at::Tensor fisher, centre;
  };
  EwcOptions options_;
  std::vector<Guarded> guarded_;  // empty in the first round
};

}  // namespace sft::methods

#endif  // METHODS_EWC_H_
