#include "methods/full.h"

#include <ATen/core/Tensor.h>

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
  train::MethodReport report;
  int64_t trainable = 0;
  for (const train::TrainableParameter& p : TrainableParameters()) {
    trainable += p.tensor.numel();
  }
  report.numbers["trainable_parameters"] = static_cast<double>(trainable);
  report.numbers["total_parameters"] =
      static_cast<double>(model_->info().parameters);
  return report;
}

}  // namespace sft::methods
