// Rules of a plan on what a run costs, and on rows that leave nothing to train
// on: rows of plan_rules.cc.
#ifndef HARNESS_LAUNCH_COST_RULES_H_
#define HARNESS_LAUNCH_COST_RULES_H_

#include <optional>

#include "absl/status/status.h"
#include "harness/launch/plan_checks.h"

namespace sft::launch {

// A run that is foretold to need more than this machine has: refused, or within
// a tenth, which formulas may be wrong by, said. More than the smallest card
// has, or of a run that goes elsewhere: said.
std::optional<spec::Finding> MemoryFits(const CostFacts& facts);

// Every step that `curve` names is one of the longest round's.
std::optional<spec::Finding> CurveFits(const CostFacts& facts);

// What the run would end with, as a finding of the field that names the model,
// the rows or the option at fault. nullopt for what only this program is to
// blame for: the run itself may fare better.
std::optional<spec::Finding> CostFinding(const absl::Status& status,
                                         const spec::RunConfig& config);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_COST_RULES_H_
