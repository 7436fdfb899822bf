// What runs take, as the plan predicts it: what Admit() is told of them.
#ifndef HARNESS_LAUNCH_RUN_NEEDS_H_
#define HARNESS_LAUNCH_RUN_NEEDS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "harness/launch/admission.h"
#include "harness/launch/run_cost.h"
#include "harness/spec/run_config.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

class PredictedNeeds {
 public:
  // Of all runs of the plan, by the costs that it was judged by: little is
  // read for it anew, and nothing while runs are at work.
  static absl::StatusOr<PredictedNeeds> Of(const spec::RunPlan& plan,
                                           RunCosts& costs);

  // Of a run of the plan. One on a card has its memory there: 0 bytes.
  RunNeeds Of(const spec::RunConfig& config) const;

 private:
  std::map<std::string, int64_t> bytes_;  // by RulesPart
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_NEEDS_H_
