// MoFO (Chen et al., arXiv 2407.20999, algorithm 1): all moments are kept and
// renewed; of each tensor a step moves the share alpha of the weights whose
// first moment m is largest in size:
//   w_i -= lr m^_i / (sqrt(v^_i) + eps)  if |m_i| is among the ceil(alpha n).
// The paper has no weight decay; here a weight that does not move does not
// decay. Weights of equal |m| at the border all move.
#ifndef METHODS_MOFO_H_
#define METHODS_MOFO_H_

#include <cstdint>
#include <string>

#include "methods/full.h"

namespace sft::methods {

struct MofoOptions {
  double share = 0.15;

  template <class V>
  void VisitFields(V& v) {
    v("mofo.share", share, Limits{1e-6, 1, {}},
      "share of each tensor's weights that a step moves");
  }
};

class MofoMethod : public FullMethod, public train::StepHook {
 public:
  MofoMethod(const MofoOptions& options, int64_t seed)
      : FullMethod(/*trains=*/true), options_(options) {
    static_cast<void>(seed);  // nothing is drawn
  }

  train::StepHook* step_hook() override { return this; }
  void Move(train::StepMoves& moves) override;
  // Of the weights, those that the last step moved.
  double moved_share() const {
    return static_cast<double>(moved_) / static_cast<double>(all_);
  }

 private:
  MofoOptions options_;
  int64_t moved_ = 0, all_ = 0;  // of the last step
};

// The count-th largest of |x|, 1 <= count <= numel.
double LargestSize(const at::Tensor& x, int64_t count);

}  // namespace sft::methods

#endif  // METHODS_MOFO_H_
