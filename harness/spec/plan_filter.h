// Some runs of a plan, by the values of its axes: "method=lora,seed=0".
#ifndef HARNESS_SPEC_PLAN_FILTER_H_
#define HARNESS_SPEC_PLAN_FILTER_H_

#include <string>

#include "absl/status/statusor.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_plan.h"

namespace sft::spec {

// The runs that have all of the filter's values, in the plan's order, behind
// the untuned runs that they read. A baseline is kept where it matches, and no
// other: a report says that it is missing. Values are read as a spec's are
// (1e-4 is 0.0001); several of one axis, "seed=0,1" or "seed=0,seed=1", are
// alternatives. An axis that the plan has not, and a value that none of its
// runs has, are errors that name the nearest.
absl::StatusOr<RunPlan> FilterPlan(RunPlan plan, const std::string& filter,
                                   const SpecTables& tables);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_PLAN_FILTER_H_
