// check: everything that is wrong with a spec, before anything is spent.

#include <cstdio>
#include <map>
#include <string>

#include "experiments/command_line.h"
#include "experiments/planned_sweep.h"
#include "harness/core/status.h"

namespace sft::experiments {
namespace {

struct CheckFlags {
  std::string spec;
};

void DeclareCheck(CLI::App& app, CheckFlags& flags) {
  app.add_option("SPEC", flags.spec, "a YAML file, the question")->required();
}

absl::StatusOr<int> RunCheck(const CheckFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const launch::CheckedPlan checked,
                       PlanOfSpec(flags.spec, launch::PlanDepth::kHeaders));
  PrintWarnings(checked.warnings);
  size_t cells = 0;
  for (const spec::PlannedRun& run : checked.plan.runs) {
    cells += run.config.method != spec::kUntuned;
  }
  std::map<std::string, size_t> rejected;  // reason -> cells
  for (const spec::RejectedCell& cell : checked.plan.rejected) {
    ++rejected[cell.reason];
  }
  for (const auto& [reason, n] : rejected) {
    fprintf(stderr, "warning: %zu %s cannot be run: %s\n", n,
            n == 1 ? "cell" : "cells", reason.c_str());
  }
  printf("%zu %s, no error\n", cells, cells == 1 ? "cell" : "cells");
  return kExitGood;
}

}  // namespace

std::vector<Command> CheckCommands() {
  return {MakeCommand(
      {.name = "check",
       .usage = "check SPEC",
       .summary = "All that is wrong with a spec, a line each.",
       .help = R"(
Reads a spec and goes through its cells under all rules of 'run', with the
headers of its models and the rows of your own files; no weight and no listed
data set is read. Each line names file, line, value and remedy. A cell that
cannot be run where others can is a warning, as 'run' leaves it out.
  sftbench check experiments/demo.yaml
)",
       .exit_status = "0 no error, 2 errors, all of them on standard error"},
      DeclareCheck, RunCheck)};
}

}  // namespace sft::experiments
