#include "experiments/plan_diff.h"

#include <cstdio>
#include <vector>

#include "absl/strings/match.h"
#include "experiments/command_line.h"
#include "experiments/planned_sweep.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/manifest_store.h"
#include "harness/record/run_store.h"
#include "harness/spec/plan_diff.h"
#include "harness/spec/plan_text.h"

namespace sft::experiments {
namespace {

absl::StatusOr<spec::RunPlan> ReadOldPlan(const std::string& old) {
  const spec::LaterOptions later = TheWorkbench().LaterOptionsOfMethods();
  if (IsFolder(old)) return record::ReadFolderPlan(old, later);
  if (absl::EndsWith(old, ".yaml") || absl::EndsWith(old, ".yml")) {
    SFT_ASSIGN_OR_RETURN(launch::CheckedPlan checked, PlanOfSpec(old));
    return std::move(checked.plan);
  }
  SFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(old));
  return spec::PlanFromText(old, text, later);
}

}  // namespace

absl::Status PrintPlanDiff(const std::string& old, const spec::RunPlan& plan) {
  SFT_ASSIGN_OR_RETURN(const spec::RunPlan before, ReadOldPlan(old));
  const spec::PlanDiff diff = spec::DiffPlans(before, plan);
  std::vector<std::vector<std::string>> rows = {
      {"change", "run", "axes", "what"}};
  for (const spec::ChangedRun& run : diff.changed) {
    rows.push_back({"changed", run.after->run_id,
                    spec::AxesText(run.after->axes), spec::ChangesText(run)});
  }
  for (const spec::PlannedRun* run : diff.added) {
    rows.push_back({"new", run->run_id, spec::AxesText(run->axes), ""});
  }
  for (const spec::PlannedRun* run : diff.gone) {
    rows.push_back({"gone", run->run_id, spec::AxesText(run->axes), ""});
  }
  if (rows.size() > 1) PrintColumns(rows);
  fflush(stdout);
  size_t done = 0;
  const record::RunStore store(record::RunPaths{old});
  for (const spec::PlannedRun* run : diff.same)
    done += store.Stands(run->run_id);
  fprintf(stderr, "%zu the same%s, %zu changed, %zu new, %zu gone\n",
          diff.same.size(),
          IsFolder(old) ? absl::StrCat(" (", done, " done)").c_str() : "",
          diff.changed.size(), diff.added.size(), diff.gone.size());
  return absl::OkStatus();
}

}  // namespace sft::experiments
