// L2-SP (Li et al. 2018, arXiv 1802.01483, section 3.2): full fine-tuning with
//   L(w) + alpha / 2 |w - w0|^2 + beta / 2 |h|^2,
// w0 the weights as they were loaded, in every round, h a head that was drawn
// and has no such starting point. The step's gradients get alpha (w - w0) and
// beta h before clipping; the recorded loss is L alone.
#ifndef METHODS_L2SP_H_
#define METHODS_L2SP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "methods/full.h"

namespace sft::methods {

struct L2spOptions {
  double alpha = 0.01;
  double beta = 0.01;

  template <class V>
  void VisitFields(V& v) {
    v("l2sp.alpha", alpha, Limits{0, 1e6, {}},
      "weight of half the squared distance from the loaded weights");
    v("l2sp.beta", beta, Limits{0, 1e6, {}},
      "weight of half the squared norm of a head that was drawn");
  }
};

class L2spMethod : public FullMethod, public train::StepHook {
 public:
  L2spMethod(const L2spOptions& options, int64_t seed);

  absl::Status Attach(model::Model& model) override;
  train::StepHook* step_hook() override { return this; }
  int64_t StateBytes() const override;
  void OnGradients() override;

 private:
  struct Anchored {
    at::Tensor tensor;
    at::Tensor start;  // undefined of a drawn head
  };
  L2spOptions options_;
  std::vector<Anchored> anchored_;
};

}  // namespace sft::methods

#endif  // METHODS_L2SP_H_
