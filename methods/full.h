// Full fine-tuning, every weight trained; and the untuned model, none.
#ifndef METHODS_FULL_H_
#define METHODS_FULL_H_

#include <cstdint>
#include <vector>

#include "harness/train/method.h"

namespace sft {

class FullMethod : public UpdateMethod {
 public:
  // `trains` false: nothing moves.
  explicit FullMethod(bool trains) : trains_(trains) {}

  absl::Status Attach(Model& model) override;
  absl::Status BeginRound(int64_t round) override;
  std::vector<TrainableParameter> TrainableParameters() override;
  absl::Status Merge() override { return absl::OkStatus(); }
  MethodReport Report() override;

 private:
  bool trains_;
  Model* model_ = nullptr;
};

}  // namespace sft

#endif  // METHODS_FULL_H_
