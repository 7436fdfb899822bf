// The optimizers by the name that a spec gives them (RunConfig::optimizer).
#ifndef HARNESS_TRAIN_OPTIMIZERS_REGISTRY_H_
#define HARNESS_TRAIN_OPTIMIZERS_REGISTRY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/spec/run_config.h"
#include "harness/train/optimizers/optimizer.h"

namespace sft::train {

struct OptimizerRow {
  std::string name;
  std::string summary;
  // Why a config cannot have it, "" if it can.
  std::function<std::string(const spec::RunConfig&)> objection;
  // Bytes of state of a parameter of so many numbers, of `number_bytes` each:
  // what Optimizer::StateBytes() sums, wherever the state lies.
  std::function<int64_t(int64_t numbers, int64_t number_bytes)> state_bytes;
  std::string state_device;  // where it lies, in words
  bool pages_state = false;  // off a card that runs short
  std::function<absl::StatusOr<std::unique_ptr<Optimizer>>(
      const spec::RunConfig&, std::vector<TrainableParameter>)>
      make;
};

const std::vector<OptimizerRow>& AllOptimizers();
// nullptr if none is called so.
const OptimizerRow* FindOptimizer(std::string_view name);

// InvalidArgument: a name that is none, or weights that it cannot move.
absl::StatusOr<std::unique_ptr<Optimizer>> MakeOptimizer(
    const spec::RunConfig& config, std::vector<TrainableParameter> parameters);

}  // namespace sft::train

#endif  // HARNESS_TRAIN_OPTIMIZERS_REGISTRY_H_
