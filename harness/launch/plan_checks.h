// The plan, held against what is known before anything is spent: the model's
// headers, its tokenizer, the tasks, their rows. No weight is read. Each rule
// is one row of AllCellRules(), AllCostRules() or AllPlanRules()
// (plan_rules.cc): what a rule refuses is refused by `run` and by `run
// --dry-run`, with its line.
#ifndef HARNESS_LAUNCH_PLAN_CHECKS_H_
#define HARNESS_LAUNCH_PLAN_CHECKS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/model_facts.h"
#include "harness/launch/run_cost.h"
#include "harness/launch/workbench.h"
#include "harness/model/slot_shape.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

// What a rule about one cell may look at.
struct CellFacts {
  const Workbench& bench;
  const model::MethodChecks& method_checks;
  const spec::ExperimentSpec& spec;
  const spec::RunConfig& config;
  const ModelFacts& model;
  // In the config's order, mixtures taken apart.
  std::vector<const data::DatasetRow*> train, evaluate, retain;
  bool runs_elsewhere = false;  // not on this machine: PlanPlace
};
// nullopt: nothing to say. A rule about several fields names the one that a
// user would change.
using CellRule = std::optional<spec::Finding> (*)(const CellFacts&);

// What a rule about a cell's cost may look at: a cell against which nothing
// else speaks, with its rows read and its first seed's batches planned.
struct CostFacts {
  const spec::RunConfig& config;
  const RunCost& cost;
  // 0 = not known.
  int64_t memory_limit_bytes = 0;  // of a process here
  int64_t card_bytes = 0;          // of the smallest card, for runs on one
  bool runs_elsewhere = false;     // as CellFacts
  spec::SpecSearch search = {};
};
using CostRule = std::optional<spec::Finding> (*)(const CostFacts&);

// What a rule about the sweep as a whole may look at: baseline, select, the
// cells beside each other. Its finding refuses the whole spec.
struct PlanFacts {
  const Workbench& bench;
  const spec::ExperimentSpec& spec;
  const spec::RunPlan& plan;
};
using PlanRule = std::optional<spec::Finding> (*)(const PlanFacts&);

const std::vector<CellRule>& AllCellRules();
const std::vector<CostRule>& AllCostRules();
const std::vector<PlanRule>& AllPlanRules();

struct CheckedPlan {
  spec::RunPlan plan;
  std::vector<std::string> warnings;  // a line each, none twice
};
// How far a plan looks: at headers, specs' own files and the form of tasks
// alone, or also at the rows of all sets, at what a run costs, and at the
// files' digests, without which its ids are of configs only and nothing can be
// run.
enum class PlanDepth { kHeaders, kRuns };
// Whether this machine is the one that runs it. Of another one, such as a
// cluster's node, nothing is known here: what this one lacks is a warning.
enum class PlanPlace { kHere, kElsewhere };
// Expands the spec under all rules. An error holds all that is wrong with it,
// what reading it complained of included: lines that begin with the spec's.
// What is read and planned for it stays in `costs`, for who shows the costs.
absl::StatusOr<CheckedPlan> MakePlan(const Workbench& bench,
                                     const spec::ExperimentSpec& spec,
                                     const model::MethodChecks& method_checks,
                                     RunCosts& costs,
                                     PlanDepth depth = PlanDepth::kRuns,
                                     PlanPlace place = PlanPlace::kHere);
absl::StatusOr<CheckedPlan> MakePlan(const Workbench& bench,
                                     const spec::ExperimentSpec& spec,
                                     const model::MethodChecks& method_checks,
                                     PlanDepth depth = PlanDepth::kRuns);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PLAN_CHECKS_H_
