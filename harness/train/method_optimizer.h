// The optimizer of what a method moves, and what stays of one when others move.
#ifndef HARNESS_TRAIN_METHOD_OPTIMIZER_H_
#define HARNESS_TRAIN_METHOD_OPTIMIZER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/model/model.h"
#include "harness/spec/run_config.h"
#include "harness/train/method.h"
#include "harness/train/optimizers/optimizer.h"

namespace sft::train {

// The config's, without gradients; `kept`: state of one before it.
// InvalidArgument where nothing moves.
absl::StatusOr<std::unique_ptr<Optimizer>> MakeOptimizerOf(
    const spec::RunConfig& config, model::Model& model, UpdateMethod& method,
    const std::vector<NamedTensor>& kept);

// Of `optimizer`'s state that of parameters which the method still moves.
std::vector<NamedTensor> StateOfMoving(const Optimizer& optimizer,
                                       UpdateMethod& method);

}  // namespace sft::train

#endif  // HARNESS_TRAIN_METHOD_OPTIMIZER_H_
