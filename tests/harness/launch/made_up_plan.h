// Plans without a spec, for tests of what starts when.
#ifndef TESTS_HARNESS_LAUNCH_MADE_UP_PLAN_H_
#define TESTS_HARNESS_LAUNCH_MADE_UP_PLAN_H_

#include <string>
#include <vector>

#include "harness/spec/run_plan.h"

namespace sft::launch {

// "base", which trains nothing, and these, whose untuned run it is.
inline spec::RunPlan MadeUpPlan(const std::vector<std::string>& tuned) {
  spec::RunPlan plan;
  spec::PlannedRun base;
  base.run_id = base.untuned_id = "base";
  base.config.method = spec::kUntuned;
  plan.runs.push_back(base);
  for (const std::string& name : tuned) {
    spec::PlannedRun run;
    run.run_id = name;
    run.untuned_id = "base";
    run.config.method = "full";
    run.config.batching = "padded";
    run.axes = {{"method", "full"}, {"seed", name}};
    plan.runs.push_back(run);
  }
  return plan;
}

}  // namespace sft::launch

#endif  // TESTS_HARNESS_LAUNCH_MADE_UP_PLAN_H_
