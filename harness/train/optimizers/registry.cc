#include "harness/train/optimizers/registry.h"

#include <utility>

#include "harness/core/status.h"
#include "harness/train/optimizers/adamw.h"
#include "harness/train/optimizers/adamw_8bit.h"
#include "harness/train/optimizers/adamw_paged.h"

namespace sft::train {
namespace {

constexpr char kWithWeights[] = "with the weights";

template <class T>
absl::StatusOr<std::unique_ptr<Optimizer>> Make(
    const spec::RunConfig& config, std::vector<TrainableParameter> parameters) {
  return std::make_unique<T>(std::move(parameters), AdamWOptionsOf(config));
}

std::string NoObjection(const spec::RunConfig&) { return ""; }

}  // namespace

const std::vector<OptimizerRow>& AllOptimizers() {
  static const auto& rows = *new std::vector<OptimizerRow>{
      {.name = "adamw",
       .summary = "AdamW, its moments in the weights' type",
       .objection = NoObjection,
       .state_bytes = AdamWStateBytes,
       .state_device = kWithWeights,
       .make = Make<AdamW>},
      {.name = "adamw_8bit",
       .summary = "AdamW, its moments in 8 bits, as bitsandbytes has them",
       .objection = AdamW8bitObjection,
       .state_bytes = AdamW8bitStateBytes,
       .state_device = kWithWeights,
       .make = MakeAdamW8bit},
      {.name = "adamw_paged",
       .summary = "AdamW, the same bits; a card that runs short pages moments",
       .objection = NoObjection,
       .state_bytes = AdamWStateBytes,
       .state_device = "a card's unified memory",
       .pages_state = true,
       .make = Make<AdamWPaged>},
  };
  return rows;
}

const OptimizerRow* FindOptimizer(std::string_view name) {
  for (const OptimizerRow& row : AllOptimizers()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

absl::StatusOr<std::unique_ptr<Optimizer>> MakeOptimizer(
    const spec::RunConfig& config, std::vector<TrainableParameter> parameters) {
  const OptimizerRow* row = FindOptimizer(config.optimizer);
  if (row == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("no optimizer is named '", config.optimizer, "'"));
  }
  return row->make(config, std::move(parameters));
}

}  // namespace sft::train
