#include "harness/train/method_optimizer.h"

#include <set>
#include <string>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/tensor_allocator.h"
#include "harness/train/optimizers/registry.h"

namespace sft::train {

absl::StatusOr<std::unique_ptr<Optimizer>> MakeOptimizerOf(
    const spec::RunConfig& config, model::Model& model, UpdateMethod& method,
    const std::vector<NamedTensor>& kept) {
  std::vector<TrainableParameter> parameters = method.TrainableParameters();
  if (parameters.empty()) {
    return absl::InvalidArgumentError("the method trains no parameter");
  }
  if (config.decay == "matrices") {
    std::set<std::string> spared;
    for (const model::Parameter& p : model.Parameters()) {
      if (p.role == model::Role::kNorm || p.role == model::Role::kBias) {
        spared.insert(p.name);
      }
    }
    for (TrainableParameter& p : parameters) {
      if (spared.contains(p.name)) p.weight_decay = false;
    }
  }
  const MemoryScope memory(MemoryUse::kOptimizer);
  SFT_ASSIGN_OR_RETURN(std::unique_ptr<Optimizer> optimizer,
                       MakeOptimizer(config, std::move(parameters)));
  if (!kept.empty()) optimizer->KeepState(kept);
  optimizer->DropGradients();
  return optimizer;
}

std::vector<NamedTensor> StateOfMoving(const Optimizer& optimizer,
                                       UpdateMethod& method) {
  std::set<std::string> names;
  for (const TrainableParameter& p : method.TrainableParameters()) {
    names.insert(p.name);
  }
  std::vector<NamedTensor> kept;
  for (NamedTensor& state : optimizer.State()) {
    // "<parameter>.<what>"
    if (names.contains(state.name.substr(0, state.name.rfind('.')))) {
      kept.push_back(std::move(state));
    }
  }
  return kept;
}

}  // namespace sft::train
