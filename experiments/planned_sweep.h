// From a spec's file to its plan, with all that is to be said of it.
#ifndef EXPERIMENTS_PLANNED_SWEEP_H_
#define EXPERIMENTS_PLANNED_SWEEP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/plan_checks.h"

namespace sft::experiments {

// Under all rules; nothing is printed. An error holds all that is wrong, a line
// each. What is read for it stays in `costs`, for who shows them.
absl::StatusOr<launch::CheckedPlan> PlanOfSpec(
    const std::string& path, launch::RunCosts& costs,
    launch::PlanDepth depth = launch::PlanDepth::kRuns,
    launch::PlanPlace place = launch::PlanPlace::kHere);
// Of runs that may go to other machines.
absl::StatusOr<launch::CheckedPlan> PlanOfSpec(
    const std::string& path,
    launch::PlanDepth depth = launch::PlanDepth::kRuns);

// On standard error.
void PrintWarnings(const std::vector<std::string>& warnings);
// Warnings, then the cells that are rejected.
void SayPlan(const launch::CheckedPlan& checked);

}  // namespace sft::experiments

#endif  // EXPERIMENTS_PLANNED_SWEEP_H_
