// A run put together from its config, each part in one place. A worker takes
// all of them; `generate` takes the model alone, `pack` model and rows.
#ifndef HARNESS_LAUNCH_RUN_ASSEMBLY_H_
#define HARNESS_LAUNCH_RUN_ASSEMBLY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"
#include "harness/launch/model_facts.h"
#include "harness/launch/run_inputs.h"
#include "harness/launch/workbench.h"
#include "harness/spec/run_config.h"
#include "harness/train/method.h"
#include "harness/train/step_plan.h"

namespace sft::launch {

struct LoadedModel {
  model::ModelLocation where;
  std::unique_ptr<model::Model> model;
  std::unique_ptr<Tokenizer> tokenizer;
};

at::ScalarType ComputeDtypeOf(const spec::RunConfig& config);
// The options of a config: dtype and device, or why they cannot be had here.
absl::StatusOr<model::ModelOptions> ModelOptionsOf(
    const spec::RunConfig& config);

// The config's model with its tokenizer, as the files have it: no head is set,
// no method attached.
absl::StatusOr<LoadedModel> LoadModelOf(const Workbench& bench,
                                        const spec::RunConfig& config);
// The same with its maps unread, for AttachUpdateMethod.
absl::StatusOr<LoadedModel> OpenModelOf(const Workbench& bench,
                                        const spec::RunConfig& config);
// Of a model that was looked at before; files and tokenizer are taken over.
absl::StatusOr<LoadedModel> OpenModelOf(ModelFacts facts,
                                        const spec::RunConfig& config);

// Gives an encoder the head that the config's tasks share; nothing to do for a
// decoder. An error where they need different ones.
absl::Status SetHeadForTasks(const Workbench& bench,
                             const spec::RunConfig& config,
                             model::Model& model);
// Sets that head, and reads the config's rows as it wants them.
absl::StatusOr<RunInputs> ReadInputsFor(const Workbench& bench,
                                        const spec::RunConfig& config,
                                        const LoadedModel& loaded);

// The config's update method, put on the model, which is freshly loaded or
// opened and has its head. All maps are read then.
absl::StatusOr<std::unique_ptr<train::UpdateMethod>> AttachUpdateMethod(
    const Workbench& bench, const spec::RunConfig& config, model::Model& model);
// The config's batching method; who trains with it attaches it to the model.
absl::StatusOr<std::unique_ptr<train::BatchingMethod>> MakeBatchingMethod(
    const Workbench& bench, const spec::RunConfig& config);

// One stage of training: its rows, and how they fill its steps.
struct PlannedRound {
  const std::vector<Example>& examples;  // of the inputs
  std::unique_ptr<data::Collator> collator;
  train::StepPlan steps;
};
// `round` counts from 0, below inputs.training.size().
absl::StatusOr<PlannedRound> PlanRound(const spec::RunConfig& config,
                                       const RunInputs& inputs,
                                       train::BatchingMethod& batching,
                                       int64_t round);

// Steps of all rounds; 0 where they end by the clock, whose plan is an upper
// bound, far above.
absl::StatusOr<int64_t> CountSteps(const spec::RunConfig& config,
                                   const RunInputs& inputs,
                                   train::BatchingMethod& batching);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_ASSEMBLY_H_
