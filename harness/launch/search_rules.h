// What a plan with a search must have, so that its comparisons are fair and its
// rungs are somewhere: rows of the tables in plan_rules.cc.
#ifndef HARNESS_LAUNCH_SEARCH_RULES_H_
#define HARNESS_LAUNCH_SEARCH_RULES_H_

#include <optional>

#include "harness/launch/plan_checks.h"

namespace sft::launch {

// Every bracket has as many cells, and every cell the same seeds.
std::optional<spec::Finding> SearchIsFair(const PlanFacts& facts);
// What is paused is one stage under a budget that can be counted.
std::optional<spec::Finding> RungsCanPause(const PlanFacts& facts);
// The first rung is two steps at least.
std::optional<spec::Finding> RungsHoldSteps(const CostFacts& facts);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SEARCH_RULES_H_
