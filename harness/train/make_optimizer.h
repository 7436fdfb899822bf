// The optimizers by the name that a spec gives them (RunConfig::optimizer).
#ifndef HARNESS_TRAIN_MAKE_OPTIMIZER_H_
#define HARNESS_TRAIN_MAKE_OPTIMIZER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/spec/run_config.h"
#include "harness/train/optimizer.h"

namespace sft::train {

// InvalidArgument: a name that is none, or 8-bit moments of f64 weights.
absl::StatusOr<std::unique_ptr<Optimizer>> MakeOptimizer(
    const spec::RunConfig& config, std::vector<TrainableParameter> parameters);

}  // namespace sft::train

#endif  // HARNESS_TRAIN_MAKE_OPTIMIZER_H_
