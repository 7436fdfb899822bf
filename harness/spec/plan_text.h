// A plan from its text, wherever it was kept.
#ifndef HARNESS_SPEC_PLAN_TEXT_H_
#define HARNESS_SPEC_PLAN_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "harness/spec/run_plan.h"

namespace sft::spec {

// `text` as PlanToJson wrote it; `where` is for messages.
absl::StatusOr<RunPlan> PlanFromJsonText(const std::string& where,
                                         const std::string& text);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_PLAN_TEXT_H_
