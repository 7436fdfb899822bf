// Which run each run of a plan is compared with.
#ifndef HARNESS_SPEC_BASELINES_H_
#define HARNESS_SPEC_BASELINES_H_

#include "absl/status/status.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_plan.h"

namespace sft::spec {

// Fills in the baseline's id of each run that has one. Every cell has one
// baseline: where several fit, `select` chooses among them, else it is an
// error. Where cells were rejected, that of the baseline may be one of them.
absl::Status PairWithBaselines(const ExperimentSpec& spec, RunPlan& plan);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_BASELINES_H_
