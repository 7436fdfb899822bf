#include "methods/full.h"

#include <ATen/core/Tensor.h>

namespace sft {

absl::Status FullMethod::Attach(Model& model) {
  model_ = &model;
  for (Parameter& p : model.Parameters()) p.tensor.requires_grad_(trains_);
  return absl::OkStatus();
}

absl::Status FullMethod::BeginRound(int64_t) { return absl::OkStatus(); }

std::vector<TrainableParameter> FullMethod::TrainableParameters() {
  std::vector<TrainableParameter> out;
  if (!trains_) return out;
  for (Parameter& p : model_->Parameters()) out.push_back({p.name, p.tensor});
  return out;
}

MethodReport FullMethod::Report() {
  MethodReport report;
  int64_t trainable = 0;
  for (const TrainableParameter& p : TrainableParameters()) {
    trainable += p.tensor.numel();
  }
  report.numbers["trainable_parameters"] = static_cast<double>(trainable);
  report.numbers["total_parameters"] =
      static_cast<double>(model_->info().parameters);
  return report;
}

}  // namespace sft
