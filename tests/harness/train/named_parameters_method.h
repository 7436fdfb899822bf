// An update method for tests of the trainer: whole parameters, by name.
#ifndef TESTS_HARNESS_TRAIN_NAMED_PARAMETERS_METHOD_H_
#define TESTS_HARNESS_TRAIN_NAMED_PARAMETERS_METHOD_H_

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "harness/train/method.h"

namespace sft::train {

// Trains the parameters whose names are given for each round ({} = all in
// every round); the last list serves all later rounds.
class NamedParametersMethod : public UpdateMethod {
 public:
  explicit NamedParametersMethod(
      std::vector<std::vector<std::string>> names_by_round = {})
      : names_by_round_(std::move(names_by_round)) {}
  absl::Status Attach(model::Model& model) override {
    model_ = &model;
    return absl::OkStatus();
  }
  absl::Status BeginRound(int64_t round) override {
    std::vector<std::string> names;
    if (!names_by_round_.empty()) {
      names = names_by_round_[std::min(static_cast<size_t>(round),
                                       names_by_round_.size() - 1)];
    }
    trained_.clear();
    for (model::Parameter& p : model_->Parameters()) {
      const bool train = names.empty() || std::find(names.begin(), names.end(),
                                                    p.name) != names.end();
      p.tensor.set_requires_grad(train);
      if (train) trained_.push_back({p.name, p.tensor});
    }
    return absl::OkStatus();
  }
  std::vector<TrainableParameter> TrainableParameters() override {
    return trained_;
  }
  absl::Status Merge() override { return absl::OkStatus(); }
  MethodReport Report() override { return {}; }

 private:
  std::vector<std::vector<std::string>> names_by_round_;
  model::Model* model_ = nullptr;
  std::vector<TrainableParameter> trained_;
};

}  // namespace sft::train

#endif  // TESTS_HARNESS_TRAIN_NAMED_PARAMETERS_METHOD_H_
