// The dense tensors of a model beside those of the model that it began as.
#ifndef HARNESS_MODEL_DENSE_PAIRS_H_
#define HARNESS_MODEL_DENSE_PAIRS_H_

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "harness/model/model.h"

namespace sft::model {

// `base` is the tensor of the base model itself, which may be written to;
// `tuned` has its shape, in the master dtype.
struct DensePair {
  std::string name;
  Role role = Role::kNorm;
  bool is_map = false;  // the weight [O, I] of a linear slot
  at::Tensor base;
  at::Tensor tuned;
};

// Pair by pair, one dense weight in memory at a time: `base` is freshly loaded
// and holds dense maps alone, `tuned` whatever a method made of it. What the
// tuned model stores rounded to its compute dtype is no change: where it is the
// base's value so rounded, under an adapter too, `tuned` is given back what
// rounding took. What codes of fewer bits lost stays a change.
absl::Status ForEachDensePair(
    Model& base, Model& tuned,
    const std::function<void(const DensePair&)>& visit);

}  // namespace sft::model

#endif  // HARNESS_MODEL_DENSE_PAIRS_H_
