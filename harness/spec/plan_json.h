// What a manifest and the plan.json of older folders have in common: the values
// of a plan as JSON. Both throw nlohmann's exceptions, which the two readers
// turn into a status.
#ifndef HARNESS_SPEC_PLAN_JSON_H_
#define HARNESS_SPEC_PLAN_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "harness/spec/run_plan.h"

namespace sft::spec {

// Question, spec, axes, selection, search and rejected cells.
nlohmann::json PlanHeaderToJson(const RunPlan& plan);
RunPlan PlanHeaderFromJson(const nlohmann::json& json);

// Ids and axes of a run; not its config. Ids become file names: anything but
// hexadecimal digits is refused.
absl::Status ReadRunNames(const nlohmann::json& json, PlannedRun& run);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_PLAN_JSON_H_
