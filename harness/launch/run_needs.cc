#include "harness/launch/run_needs.h"

#include "harness/core/status.h"
#include "harness/launch/config_parts.h"

namespace sft::launch {

absl::StatusOr<PredictedNeeds> PredictedNeeds::Of(const spec::RunPlan& plan,
                                                  RunCosts& costs) {
  PredictedNeeds needs;
  for (const spec::PlannedRun& run : plan.runs) {
    if (run.config.device != "cpu") continue;
    const auto [at, is_new] =
        needs.bytes_.emplace(RulesPart(run.config), int64_t{0});
    if (!is_new) continue;
    spec::RunConfig first = run.config;
    first.seed = 0;  // as the plan was judged
    SFT_ASSIGN_OR_RETURN(const RunCost cost, costs.Of(first));
    at->second = cost.memory_bytes();
  }
  return needs;
}

RunNeeds PredictedNeeds::Of(const spec::RunConfig& config) const {
  RunNeeds needs;
  needs.threads = static_cast<int>(config.threads);
  if (config.device == "cpu") needs.bytes = bytes_.at(RulesPart(config));
  return needs;
}

}  // namespace sft::launch
