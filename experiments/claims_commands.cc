// power and claims: what a sweep could find, and what records say of the
// claims of others.

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "experiments/claim_models.h"
#include "experiments/command_line.h"
#include "experiments/power_command.h"
#include "experiments/table_output.h"
#include "harness/analysis/claims.h"
#include "harness/analysis/tables.h"
#include "harness/core/status.h"

namespace sft::experiments {
namespace {

struct ClaimsFlags {
  std::string file = SFTBENCH_SOURCE_DIR "/experiments/claims.yaml";
  std::string records = SFTBENCH_SOURCE_DIR "/results/reference";
  TableFlags tables;
  bool json = false;
};

void DeclareClaims(CLI::App& app, ClaimsFlags& flags) {
  app.add_option("FILE", flags.file, "the ledger, a YAML file");
  app.add_option("--records", flags.records,
                 "the folder of merged records that it names")
      ->type_name("DIR");
  DeclareTable(app, flags.tables);
  app.add_flag("--json", flags.json, "an array of claims with their tests");
}

absl::StatusOr<int> RunClaims(const ClaimsFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const std::vector<analysis::ClaimRow> rows,
                       analysis::ReadClaims(flags.file));
  SFT_ASSIGN_OR_RETURN(
      const std::vector<analysis::AnsweredClaim> claims,
      analysis::AnswerClaims(rows, flags.records, ComputedClaims()));
  if (flags.json) {
    fputs(analysis::ClaimsAsJson(claims).c_str(), stdout);
    return kExitGood;
  }
  TableFlags tables = flags.tables;
  // For programs, not for a page: a line a test.
  if (tables.format.empty() && isatty(STDOUT_FILENO) != 1) {
    tables.format = "tsv";
  }
  SFT_ASSIGN_OR_RETURN(const analysis::TableFormat format, FormatOf(tables));
  fputs(analysis::RenderTable(analysis::ClaimsTable(claims), format,
                              OptionsOf(tables, format))
            .c_str(),
        stdout);
  return kExitGood;
}

}  // namespace

std::vector<Command> ClaimsCommands() {
  return {
      PowerCommand(),
      MakeCommand({.name = "claims",
                   .usage = "claims [FILE] [--records DIR] [--format FORMAT]",
                   .summary = "Claims of the literature, and what records say.",
                   .help = R"(
A row a test: the claim with its source and number, ours with its interval, and
a verdict: reproduced where the whole interval lies in the range that the claim
names, not reproduced where none of it does, else undecided; not tested here,
and why, where the records are not there. Nothing is typed in but the range.
  sftbench claims --format md
  sftbench claims my_claims.yaml --records results/mine --json
)"},
                  DeclareClaims, RunClaims)};
}

}  // namespace sft::experiments
