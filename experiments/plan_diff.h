// plan --diff: what a spec changes of an earlier plan.
#ifndef EXPERIMENTS_PLAN_DIFF_H_
#define EXPERIMENTS_PLAN_DIFF_H_

#include <string>

#include "absl/status/status.h"
#include "harness/spec/run_plan.h"

namespace sft::experiments {

// Prints a line a run that is new, changed or gone against `old` (a sweep's
// folder, a manifest, or a spec), and the counts on standard error.
absl::Status PrintPlanDiff(const std::string& old, const spec::RunPlan& plan);

}  // namespace sft::experiments

#endif  // EXPERIMENTS_PLAN_DIFF_H_
