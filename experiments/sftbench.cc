// The command line, and the one place that sees all tables.

#include <torch/version.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "datasets/registry.h"
#include "experiments/command_line.h"
#include "harness/core/catch_torch.h"
#include "harness/core/fields.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/kernels/shared/instruction_set.h"
#include "methods/registry.h"
#include "version.h"

namespace sft::experiments {
namespace {

std::string EnvironmentOr(const char* name, const std::string& fallback) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : fallback;
}

launch::Workbench MakeWorkbench() {
  launch::Workbench bench;
  bench.methods = methods::AllMethods();
  bench.datasets = datasets::AllDatasets();
  bench.folders.assets =
      EnvironmentOr("SFTBENCH_ASSETS", SFTBENCH_SOURCE_DIR "/assets");
  bench.folders.data = EnvironmentOr("SFTBENCH_DATA", "");
  bench.build["revision"] = SFTBENCH_GIT_REVISION;
  bench.build["dirty"] = SFTBENCH_GIT_DIRTY ? "true" : "false";
  bench.build["torch"] = TORCH_VERSION;
  bench.build["compiler"] = __VERSION__;
  return bench;
}

// What people type who come from other tools, or do not know the names yet.
std::string CommandFor(const std::string& word) {
  static constexpr struct {
    const char* command;
    const char* words;
  } kRows[] = {
      {"run",
       " train finetune fine-tune tune sft launch start sweep resume "
       "continue exec execute benchmark bench "},
      {"plan", " expand lines array "},
      {"submit", " sbatch slurm qsub cluster queue "},
      {"cancel", " scancel kill stop "},
      {"eval", " evaluate test validate perplexity ppl lm_eval "},
      {"generate", " infer inference predict sample complete prompt "},
      {"report", " results table tables summary plot summarize html "},
      {"compare", " diff versus vs "},
      {"show", " describe inspect details info log "},
      {"query", " filter select where csv dump "},
      {"status", " progress ps watch jobs "},
      {"export", " merge convert save push "},
      {"data", " clean prepare preprocess split dedup "},
      {"tokenize", " encode tokens tokenizer "},
      {"list", " ls models methods optimizers datasets tasks metrics fields "},
      {"power", " samplesize sample-size mde seeds "},
      {"claims", " ledger reproduce reproduced "},
      {"verify", " validate-records fsck "},
      {"check", " lint validate-spec "},
      {"init", " new create template starter example scaffold "},
  };
  for (const auto& row : kRows) {
    if (std::string_view(row.words).find(absl::StrCat(" ", word, " ")) !=
        std::string_view::npos) {
      return row.command;
    }
  }
  return "";
}

// A line each, of errors that are several.
int Fail(const absl::Status& status) {
  for (absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    fprintf(stderr, "error: %s\n", std::string(line).c_str());
  }
  // Nothing that was given is at fault there.
  return IsDiskFull(status) ? kExitRunFailed : kExitBadInput;
}

}  // namespace

int RunProgram(const std::vector<std::string>& arguments) {
  const absl::Status kernels = kernels::CheckForcedKernels();
  if (!kernels.ok()) return Fail(kernels);
  const std::vector<Command> commands = AllCommands();
  if (arguments.empty()) {
    fputs(ProgramHelp(commands).c_str(), stderr);
    return kExitBadInput;
  }
  const std::string& name = arguments[0];
  if (name == "--help" || name == "-h") {
    fputs(ProgramHelp(commands).c_str(), stdout);
    return kExitGood;
  }
  if (name == "--version") {
    printf("sftbench %s%s, LibTorch %s\n", SFTBENCH_GIT_REVISION,
           SFTBENCH_GIT_DIRTY ? " (changed)" : "", TORCH_VERSION);
    return kExitGood;
  }
  for (const Command& command : commands) {
    if (command.name != name) continue;
    int exit_status = kExitBadInput;
    const absl::Status status = CatchTorch([&]() -> absl::Status {
      SFT_ASSIGN_OR_RETURN(
          exit_status,
          RunCommand(command, {arguments.begin() + 1, arguments.end()}));
      return absl::OkStatus();
    });
    if (!status.ok()) return Fail(status);
    return exit_status;
  }
  const std::string meant = CommandFor(name);  // as other tools call it
  return Fail(absl::InvalidArgumentError(absl::StrCat(
      "unknown command '", name, "'",
      DidYouMean(meant.empty() ? name : meant, ShownNames(commands),
                 "; see 'sftbench --help'"))));
}

std::vector<Command> AllCommands() {
  std::vector<Command> commands;
  for (auto make :
       {InitCommands, CheckCommands, SelfcheckCommands, SweepCommands,
        TaskCommands, SubmitCommands, RecordCommands, ClaimsCommands,
        ModelCommands, DataCommands, ScoreCommands, BatchesCommands,
        PackCommands, ListCommands, VersionCommands, HelpCommands}) {
    for (Command& command : make()) commands.push_back(std::move(command));
  }
  return commands;
}

const launch::Workbench& TheWorkbench() {
  static const launch::Workbench& bench =
      *new launch::Workbench(MakeWorkbench());
  return bench;
}

}  // namespace sft::experiments
