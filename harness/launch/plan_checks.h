// The plan, held against what is known before anything is spent: the model's
// config.json or GGUF header, its tokenizer, the tasks. No weight is read. Each
// rule is one row of AllCellRules() or AllPlanRules() (plan_rules.cc): what a
// rule refuses is refused by `run` and by `run --dry-run`, with its line.
#ifndef HARNESS_LAUNCH_PLAN_CHECKS_H_
#define HARNESS_LAUNCH_PLAN_CHECKS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"
#include "harness/launch/workbench.h"
#include "harness/model/load/weights.h"
#include "harness/model/slot_shape.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

// A model without its weights.
struct ModelFacts {
  model::ModelLocation where;
  model::ModelConfig config;
  std::unique_ptr<Tokenizer> tokenizer;

  const model::EncoderConfig* encoder() const {
    return std::get_if<model::EncoderConfig>(&config);
  }
  const model::DecoderConfig* decoder() const {
    return std::get_if<model::DecoderConfig>(&config);
  }
  int64_t vocabulary() const;  // rows of the embedding
  // Of all layers, with the encoder's pooler and without heads.
  std::vector<model::SlotShape> maps() const;
  int64_t max_positions() const;
  // Rows of a table: there is nothing beyond them. Rotary ones go on.
  bool learned_positions() const;
};
absl::StatusOr<ModelFacts> ReadModelFacts(const std::string& name,
                                          const std::string& assets);

// What the id of a cell is made of beside its config:
// Workbench::InputDigestsOf, and a mark where joined texts have other ids than
// parts that are encoded one by one, as records had them once.
absl::StatusOr<std::vector<std::string>> DigestsOfCell(
    const Workbench& bench, const ModelFacts& model,
    const spec::RunConfig& config);
// A run's id is of the files that are read now, not of what its plan met. An id
// that is no hash was named by hand.
absl::Status CheckRunId(const Workbench& bench, const std::string& run_id,
                        const spec::RunConfig& config);

// What a rule about one cell may look at.
struct CellFacts {
  const Workbench& bench;
  const model::MethodChecks& method_checks;
  const spec::ExperimentSpec& spec;
  const spec::RunConfig& config;
  const ModelFacts& model;
  // In the config's order, mixtures taken apart.
  std::vector<const data::DatasetRow*> train, evaluate, retain;
};
// nullopt: nothing to say. A rule about several fields names the one that a
// user would change.
using CellRule = std::optional<spec::Finding> (*)(const CellFacts&);

// What a rule about the sweep as a whole may look at: baseline, select, the
// cells beside each other. Its finding refuses the whole spec.
struct PlanFacts {
  const Workbench& bench;
  const spec::ExperimentSpec& spec;
  const spec::RunPlan& plan;
};
using PlanRule = std::optional<spec::Finding> (*)(const PlanFacts&);

const std::vector<CellRule>& AllCellRules();
const std::vector<PlanRule>& AllPlanRules();

struct CheckedPlan {
  spec::RunPlan plan;
  std::vector<std::string> warnings;  // a line each, none twice
};
// Expands the spec under all rules. Errors are one line with the spec's line.
absl::StatusOr<CheckedPlan> MakePlan(const Workbench& bench,
                                     const spec::ExperimentSpec& spec,
                                     const model::MethodChecks& method_checks);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PLAN_CHECKS_H_
