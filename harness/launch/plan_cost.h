// What a plan will take, before anything is spent: a table for a terminal, and
// one for programs.
#ifndef HARNESS_LAUNCH_PLAN_COST_H_
#define HARNESS_LAUNCH_PLAN_COST_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/keep_weights.h"
#include "harness/launch/run_cost.h"
#include "harness/record/run_store.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

struct DescribedRun {
  std::string run_id, method, batching;
  std::string axes;  // but for these two: "learning_rate=1e-05 seed=0"
  RunCost cost;
  double seconds = 0;  // predicted
  bool there = false;  // its record stands
};
struct PlanDescription {
  std::vector<DescribedRun> runs;
  std::vector<spec::RejectedCell> rejected;
  // What is cut, left out or looks wrong in the data, a line each.
  std::vector<std::string> notices;
  std::vector<std::string> search;  // lines of DescribeSearch
};
// Weights that are not kept take no disk.
absl::StatusOr<PlanDescription> DescribePlan(const spec::RunPlan& plan,
                                             const record::RunStore& store,
                                             KeepWeights keep_weights,
                                             RunCosts& costs);

// A tab-separated line a run: id, method, batching, axes, steps, rows, real,
// target and computed tokens, predicted time and MiB, FLOPs, MiB on disk, and
// "there" or "-"; then rejected cells, and the totals of what is left to do.
std::string PlanForPrograms(const PlanDescription& plan);
// The same in aligned columns and short numbers, no line longer than `width`:
// labels are cut first.
std::string PlanForTerminal(const PlanDescription& plan, size_t width);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PLAN_COST_H_
