// Full fine-tuning, every weight trained; and the untuned model, none.
#ifndef METHODS_FULL_H_
#define METHODS_FULL_H_

#include <cstdint>
#include <vector>

#include "harness/train/method.h"

namespace sft::methods {

class FullMethod : public train::UpdateMethod {
 public:
  // `trains` false: nothing moves.
  explicit FullMethod(bool trains) : trains_(trains) {}

  absl::Status Attach(model::Model& model) override;
  absl::Status BeginRound(int64_t round) override;
  std::vector<train::TrainableParameter> TrainableParameters() override;
  absl::Status Merge() override { return absl::OkStatus(); }
  train::MethodReport Report() override;

 protected:
  model::Model* model_ = nullptr;

 private:
  bool trains_;
};

}  // namespace sft::methods

#endif  // METHODS_FULL_H_
