// Two plans beside each other: which runs are the same, new, gone, and which
// are the same cells with something changed, so that they run anew.
#ifndef HARNESS_SPEC_PLAN_DIFF_H_
#define HARNESS_SPEC_PLAN_DIFF_H_

#include <string>
#include <vector>

#include "harness/spec/run_plan.h"

namespace sft::spec {

struct ChangedField {
  std::string name, before, after;  // canonical texts; "" = it has none
};
// Runs are of the compared plans and live as long.
struct ChangedRun {
  const PlannedRun* before = nullptr;
  const PlannedRun* after = nullptr;
  // None: the files that it reads have other contents.
  std::vector<ChangedField> fields;
};
struct PlanDiff {
  std::vector<const PlannedRun*> same;  // of the later plan
  std::vector<const PlannedRun*> added;
  std::vector<const PlannedRun*> gone;
  std::vector<ChangedRun> changed;
};
// Runs are the same by their ids. Of the others, those that have the values of
// all axes that both plans know, alone in either plan, are one cell.
PlanDiff DiffPlans(const RunPlan& before, const RunPlan& after);

// "batch_size 4 -> 8, max_length 64 -> 128".
std::string ChangesText(const ChangedRun& run);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_PLAN_DIFF_H_
