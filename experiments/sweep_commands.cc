// run, worker, status: from a spec to records.

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/flags/flag.h"
#include "absl/strings/str_join.h"
#include "experiments/command_line.h"
#include "harness/analysis/run_status.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/launch/launcher.h"
#include "harness/launch/plan_checks.h"
#include "harness/launch/plan_cost.h"
#include "harness/launch/run_worker.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_plan.h"
#include "methods/method_checks.h"

ABSL_FLAG(std::string, out, "results",
          "the folder that records, weights or exports go to");
ABSL_FLAG(int, jobs, 1, "runs at a time, a process each (a whole number)");
ABSL_FLAG(bool, dry_run, false,
          "print the plan and what it costs, run nothing");
ABSL_FLAG(int, max_attempts, 2, "tries of a run that fails (a whole number)");
ABSL_FLAG(absl::Duration, checkpoint_every, absl::Minutes(2),
          "time between checkpoints, such as 30s or 5m; 0 = every step");
ABSL_FLAG(bool, keep_text, false, "keep prompts and answers in the record");
ABSL_FLAG(bool, save_weights, true, "keep the trained weights for export");
ABSL_FLAG(std::string, run_id, "", "worker: the run of the plan to execute");
ABSL_FLAG(int, progress_fd, -1, "worker: where progress lines go");
ABSL_FLAG(int, attempt, 1, "worker: which try this is");

namespace sft::experiments {
namespace {

volatile sig_atomic_t stop_asked = 0;
void AskToStop(int) { stop_asked = 1; }

absl::StatusOr<std::string> OwnPath() {
  char path[4096];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (n <= 0) return absl::InternalError("cannot find this program's path");
  return std::string(path, static_cast<size_t>(n));
}

void PrintWarnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    fprintf(stderr, "warning: %s\n", warning.c_str());
  }
}

absl::StatusOr<int> RunRun(const std::vector<std::string>& words) {
  const launch::Workbench& bench = TheWorkbench();
  SFT_ASSIGN_OR_RETURN(const spec::ExperimentSpec spec,
                       spec::ParseSpec(words[0], bench.Tables()));
  SFT_ASSIGN_OR_RETURN(
      const launch::CheckedPlan checked,
      launch::MakePlan(bench, spec, methods::AllMethodChecks()));
  const spec::RunPlan& plan = checked.plan;
  if (absl::GetFlag(FLAGS_dry_run)) {
    SFT_ASSIGN_OR_RETURN(const launch::PlanDescription described,
                         launch::DescribePlan(bench, plan));
    PrintWarnings(checked.warnings);
    PrintWarnings(described.notices);
    fputs(described.text.c_str(), stdout);
    return kExitGood;
  }
  PrintWarnings(checked.warnings);
  for (const spec::RejectedCell& cell : plan.rejected) {
    std::vector<std::string> axes;
    for (const auto& [name, value] : cell.axes) {
      axes.push_back(name + "=" + value);
    }
    fprintf(stderr, "rejected: %s: %s\n", absl::StrJoin(axes, " ").c_str(),
            cell.reason.c_str());
  }
  launch::LaunchOptions options;
  SFT_ASSIGN_OR_RETURN(options.executable, OwnPath());
  options.paths.out = absl::GetFlag(FLAGS_out);
  options.jobs = absl::GetFlag(FLAGS_jobs);
  options.max_attempts = absl::GetFlag(FLAGS_max_attempts);
  options.checkpoint_every = absl::GetFlag(FLAGS_checkpoint_every);
  options.keep_text = absl::GetFlag(FLAGS_keep_text);
  options.save_weights = absl::GetFlag(FLAGS_save_weights);
  if (options.jobs < 1 || options.max_attempts < 1) {
    return absl::InvalidArgumentError(
        "--jobs and --max_attempts want at least 1");
  }
  SFT_RETURN_IF_ERROR(MakeFolders(options.paths.Runs()));
  SFT_RETURN_IF_ERROR(
      WriteFileAtomically(options.paths.Plan(), spec::PlanToJson(plan)));
  SFT_ASSIGN_OR_RETURN(const launch::LaunchSummary summary,
                       launch::RunSweep(plan, options));
  fprintf(stderr,
          "%d finished, %d diverged, %d failed, %d were there already; next: "
          "sftbench report %s\n",
          summary.finished, summary.diverged, summary.failed, summary.skipped,
          options.paths.out.c_str());
  if (summary.interrupted) return kExitInterrupted;
  return summary.failed > 0 ? kExitRunFailed : kExitGood;
}

absl::StatusOr<int> RunWorker(const std::vector<std::string>&) {
  // A worker must not outlive its launcher: the next one starts it anew.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == 1) return kExitRunFailed;
  signal(SIGTERM, AskToStop);
  signal(SIGINT, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  launch::WorkerOptions options;
  options.paths.out = absl::GetFlag(FLAGS_out);
  options.attempt = absl::GetFlag(FLAGS_attempt);
  options.checkpoint_every = absl::GetFlag(FLAGS_checkpoint_every);
  options.keep_text = absl::GetFlag(FLAGS_keep_text);
  options.save_weights = absl::GetFlag(FLAGS_save_weights);
  options.should_stop = [] { return stop_asked != 0; };
  const int fd = absl::GetFlag(FLAGS_progress_fd);
  options.show_progress = [fd](const launch::Progress& progress) {
    if (fd < 0) return;
    const std::string line = launch::FormatProgress(progress) + "\n";
    // Progress is worth nothing to a launcher that is gone.
    if (write(fd, line.data(), line.size()) < 0) return;
  };
  SFT_ASSIGN_OR_RETURN(const spec::RunPlan plan,
                       spec::PlanFromJson(options.paths.Plan()));
  const std::string run_id = absl::GetFlag(FLAGS_run_id);
  for (const spec::PlannedRun& run : plan.runs) {
    if (run.run_id != run_id) continue;
    SFT_ASSIGN_OR_RETURN(
        const launch::WorkerOutcome outcome,
        launch::ExecuteRun(TheWorkbench(), run, plan, options));
    switch (outcome) {
      case launch::WorkerOutcome::kPublished:
        return kExitGood;
      case launch::WorkerOutcome::kFailed:
        return kExitRunFailed;
      case launch::WorkerOutcome::kInterrupted:
        return kExitInterrupted;
    }
  }
  return InputError(options.paths.Plan(), "has no run '" + run_id + "'");
}

absl::StatusOr<int> RunStatusCommand(const std::vector<std::string>& words) {
  SFT_ASSIGN_OR_RETURN(const analysis::StatusTable table,
                       analysis::ReadStatus(words[0]));
  fputs(analysis::RenderStatus(table).c_str(), stdout);
  return kExitGood;
}

}  // namespace

std::vector<Command> SweepCommands() {
  return {
      {.name = "run",
       .usage = "run SPEC [--out DIR] [--jobs N] [--dry-run]",
       .summary = "Run a spec's sweep; finished runs are not repeated.",
       .help =
           "Expands the YAML spec into runs, one process each, and writes a\n"
           "record a run to DIR/runs. Killed or interrupted at any moment, "
           "the\n"
           "same command continues, and the records are the same. What cannot\n"
           "work is refused before anything is run, with the spec's line.\n\n"
           "A small spec, for 'sftbench run SPEC --dry-run':\n\n"
           "  question: does LoRA reach full fine-tuning here?\n"
           "  model: smollm2-135m-instruct   # or a folder, or a .gguf file\n"
           "  train: [bbc_headlines]         # or a file of yours, under "
           "data:\n"
           "  evaluate: {tasks: [bbc_headlines], retain: [wiki_demo]}\n"
           "  budget: {target_tokens: 600}   # or steps, epochs, wall_seconds\n"
           "  set: {max_length: 256}\n"
           "  grid:\n"
           "    method: [full, lora]\n"
           "    learning_rate: [1.0e-4, 5.0e-4]\n"
           "    seed: [0, 1, 2]\n"
           "  baseline: {method: full}\n\n"
           "'sftbench list fields' shows whatever may stand under set: and "
           "grid:,\n"
           "with defaults and allowed values; README.md each key at the top.\n"
           "  sftbench run experiments/demo.yaml --dry-run\n"
           "  sftbench run experiments/demo.yaml --out results/demo",
       .flags = {"out", "jobs", "dry_run", "max_attempts", "checkpoint_every",
                 "keep_text", "save_weights"},
       .min_words = 1,
       .max_words = 1,
       .run = RunRun},
      {.name = "worker",
       .usage = "worker --out DIR --run_id ID",
       .summary = "Execute one run of DIR/plan.json (called by run).",
       .help = "",
       .flags = {"out", "run_id", "progress_fd", "attempt", "checkpoint_every",
                 "keep_text", "save_weights"},
       .run = RunWorker,
       .hidden = true},
      {.name = "status",
       .usage = "status DIR",
       .summary = "What is done, running, interrupted, failed and left.",
       .help =
           "A line a run, then the counts. done: a record that stands, ok or\n"
           "diverged. running: a process is at it. interrupted: begun, and no\n"
           "process is at it; the same 'run' continues. failed: the last try\n"
           "failed. pending: not begun.\n"
           "  sftbench status results/demo",
       .flags = {},
       .min_words = 1,
       .max_words = 1,
       .run = RunStatusCommand},
  };
}

}  // namespace sft::experiments
