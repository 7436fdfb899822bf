// What a plan will take, before anything is spent: steps and tokens exactly
// (rows are read and batches planned as the worker will), time and memory by
// formula.
#ifndef HARNESS_LAUNCH_PLAN_COST_H_
#define HARNESS_LAUNCH_PLAN_COST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/workbench.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

struct PlanDescription {
  // A tab-separated line a run: id, axes, steps, rows, real, target and
  // computed tokens, predicted seconds and MiB; then rejected cells and totals.
  std::string text;
  // What is cut, left out or looks wrong in the data, a line each.
  std::vector<std::string> notices;
};
absl::StatusOr<PlanDescription> DescribePlan(const Workbench& bench,
                                             const spec::RunPlan& plan);

// The most memory that a run of this config should hold, in bytes.
absl::StatusOr<int64_t> PredictRunBytes(const Workbench& bench,
                                        const spec::RunConfig& config);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PLAN_COST_H_
