// What one run will take, before anything is spent: steps and tokens exactly,
// for rows are read and batches planned as the worker will; arithmetic, memory
// and disk by formula, from the model's headers. No weight is read.
#ifndef HARNESS_LAUNCH_RUN_COST_H_
#define HARNESS_LAUNCH_RUN_COST_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/model_facts.h"
#include "harness/launch/plan_rows.h"
#include "harness/launch/workbench.h"
#include "harness/measure/flops.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

struct RunCost {
  // Of all rounds.
  int64_t steps = 0;
  int64_t longest_round_steps = 0;
  int64_t rows = 0;
  int64_t real_tokens = 0;
  int64_t target_tokens = 0;
  int64_t computed_tokens = 0;  // pads included
  double flops = 0;             // of training and of scoring
  // When most is held, by category: measure::PredictTrainingBytes of the
  // largest micro-batch of any round.
  std::map<std::string, int64_t> memory;
  int64_t memory_bytes() const;
  // What the run leaves on disk, and what a checkpoint takes at most meanwhile;
  // weights only where they are kept (KeepWeights).
  bool trains_adapter = false;
  int64_t weights_bytes = 0;
  int64_t record_bytes = 0;
  int64_t checkpoint_bytes = 0;
};

// Costs of the cells of a plan. What cells share (a model's headers, the rows
// of a data set, the batches of a seed) is read and planned once.
class RunCosts {
 public:
  // `say` is told what takes time.
  explicit RunCosts(const Workbench& bench,
                    std::function<void(const std::string&)> say = {})
      : bench_(bench), rows_(bench, std::move(say)) {}

  absl::StatusOr<const ModelFacts*> FactsOf(const std::string& model);
  // An error is what would end the run itself.
  absl::StatusOr<RunCost> Of(const spec::RunConfig& config);
  // What was cut, left out or looks wrong in the rows of these, each once.
  const std::set<std::string>& notices() const { return notices_; }

 private:
  // A model with its method attached.
  struct Outline {
    std::unique_ptr<model::Model> model;
    std::unique_ptr<train::UpdateMethod> method;
  };
  // One round's steps.
  struct RoundWork {
    int64_t steps = 0, rows = 0, real_tokens = 0, target_tokens = 0;
    measure::StepWork work;
    measure::StepWork largest;  // of a micro-batch
  };

  absl::StatusOr<RunCost> Reckon(const spec::RunConfig& config);
  absl::StatusOr<Outline*> OutlineOf(const spec::RunConfig& config);
  absl::StatusOr<const std::vector<RoundWork>*> WorkOf(
      const spec::RunConfig& config,
      const std::shared_ptr<const PlannedRows>& rows);
  absl::StatusOr<RoundWork> PlanWork(const spec::RunConfig& config,
                                     size_t round) const;
  absl::Status AddRounds(const spec::RunConfig& config,
                         const std::vector<RoundWork>& rounds, Outline& outline,
                         RunCost& cost);

  const Workbench& bench_;
  PlanRows rows_;
  std::map<std::string, ModelFacts> models_;
  std::map<std::string, RunCost> known_;     // by RulesPart and seed
  std::map<std::string, Outline> outlines_;  // by ModelPart
  std::map<std::string, std::vector<RoundWork>> works_;  // by BatchingPart
  // The rows that batches were planned of last, as examples of each round.
  std::shared_ptr<const PlannedRows> unfolded_of_;
  std::vector<std::vector<Example>> unfolded_;
  std::set<std::string> notices_;
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_COST_H_
