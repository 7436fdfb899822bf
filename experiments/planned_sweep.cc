#include "experiments/planned_sweep.h"

#include <cstdio>

#include "experiments/command_line.h"
#include "harness/core/status.h"
#include "harness/launch/run_cost.h"
#include "harness/spec/experiment_spec.h"
#include "methods/method_checks.h"

namespace sft::experiments {

absl::StatusOr<launch::CheckedPlan> PlanOfSpec(const std::string& path,
                                               launch::RunCosts& costs,
                                               launch::PlanDepth depth,
                                               launch::PlanPlace place) {
  const launch::Workbench& bench = TheWorkbench();
  SFT_ASSIGN_OR_RETURN(const spec::ExperimentSpec spec,
                       spec::ReadSpec(path, bench.Tables()));
  return launch::MakePlan(bench, spec, methods::AllMethodChecks(), costs, depth,
                          place);
}

absl::StatusOr<launch::CheckedPlan> PlanOfSpec(const std::string& path,
                                               launch::PlanDepth depth) {
  launch::RunCosts costs(TheWorkbench());
  return PlanOfSpec(path, costs, depth, launch::PlanPlace::kElsewhere);
}

void PrintWarnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    fprintf(stderr, "warning: %s\n", warning.c_str());
  }
}

void SayPlan(const launch::CheckedPlan& checked) {
  PrintWarnings(checked.warnings);
  for (const spec::RejectedCell& cell : checked.plan.rejected) {
    fprintf(stderr, "rejected: %s: %s\n", spec::AxesText(cell.axes).c_str(),
            cell.reason.c_str());
  }
}

}  // namespace sft::experiments
