// What a plan will take, before anything is spent: steps and tokens exactly
// (rows are read and batches planned as the worker will), time and memory by
// formula.
#ifndef HARNESS_LAUNCH_PLAN_COST_H_
#define HARNESS_LAUNCH_PLAN_COST_H_

#include <string>

#include "absl/status/statusor.h"
#include "harness/launch/workbench.h"
#include "harness/spec/run_plan.h"

namespace sft {

// A tab-separated line a run: id, axes, steps, rows, real, target and computed
// tokens, predicted seconds and MiB; then rejected cells and totals.
absl::StatusOr<std::string> DescribePlan(const Workbench& bench,
                                         const RunPlan& plan);

}  // namespace sft

#endif  // HARNESS_LAUNCH_PLAN_COST_H_
