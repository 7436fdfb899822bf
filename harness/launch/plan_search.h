// What a search will spend, before anything is spent: how many cells come to
// each rung, and the share of the tokens that all cells would take to the end.
#ifndef HARNESS_LAUNCH_PLAN_SEARCH_H_
#define HARNESS_LAUNCH_PLAN_SEARCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

// `tokens`: of each run of the plan, to its end. A line a bracket, then that of
// all; none for a plan whose runs all go to their end.
absl::StatusOr<std::vector<std::string>> DescribeSearch(
    const spec::RunPlan& plan, const std::vector<int64_t>& tokens);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PLAN_SEARCH_H_
