#include "methods/full.h"

#include <ATen/core/Tensor.h>

#include "methods/parameter_counts.h"

namespace sft::methods {

absl::Status FullMethod::Attach(model::Model& model) {
  model_ = &model;
  for (model::Parameter& p : model.Parameters())
    p.tensor.requires_grad_(trains_);
  return absl::OkStatus();
}

absl::Status FullMethod::BeginRound(int64_t) { return absl::OkStatus(); }

std::vector<train::TrainableParameter> FullMethod::TrainableParameters() {
  std::vector<train::TrainableParameter> out;
  if (!trains_) return out;
  for (model::Parameter& p : model_->Parameters())
    out.push_back({p.name, p.tensor});
  return out;
}

train::MethodReport FullMethod::Report() {
  return ParameterCounts(TrainableParameters(), *model_);
}

}  // namespace sft::methods
