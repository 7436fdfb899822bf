#include "harness/train/make_optimizer.h"

#include <utility>

#include "harness/core/status.h"
#include "harness/train/adamw.h"
#include "harness/train/adamw_8bit.h"
#include "harness/train/adamw_paged.h"

namespace sft::train {

absl::StatusOr<std::unique_ptr<Optimizer>> MakeOptimizer(
    const spec::RunConfig& config, std::vector<TrainableParameter> parameters) {
  const AdamWOptions options{.beta1 = config.beta1,
                             .beta2 = config.beta2,
                             .epsilon = config.epsilon,
                             .weight_decay = config.weight_decay};
  if (config.optimizer == "adamw") {
    return std::make_unique<AdamW>(std::move(parameters), options);
  }
  if (config.optimizer == "adamw_8bit") {
    for (const TrainableParameter& p : parameters) {
      if (p.tensor.scalar_type() != at::kFloat) {
        return absl::InvalidArgumentError(
            "optimizer adamw_8bit: the weights are f64, wanted f32");
      }
    }
    return std::make_unique<AdamW8bit>(std::move(parameters), options);
  }
  if (config.optimizer == "adamw_paged") {
    return std::make_unique<AdamWPaged>(std::move(parameters), options);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no optimizer is named '", config.optimizer, "'"));
}

}  // namespace sft::train
