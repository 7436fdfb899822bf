// A plan from its text, wherever it was kept, and several as one.
#ifndef HARNESS_SPEC_PLAN_TEXT_H_
#define HARNESS_SPEC_PLAN_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/spec/run_plan.h"

namespace sft::spec {

// Of a manifest, or of the plan.json that older versions wrote. `where` is for
// messages; `later`: as a ManifestReader has it.
absl::StatusOr<RunPlan> PlanFromText(const std::string& where,
                                     const std::string& text,
                                     const LaterOptions& later);

// The plans of one folder as one, given the oldest first: every run once, those
// of the newest in front. Question, selection, search and, of a run that
// stands in several, axes and baseline are the newest's.
RunPlan UnitePlans(const std::vector<RunPlan>& plans);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_PLAN_TEXT_H_
