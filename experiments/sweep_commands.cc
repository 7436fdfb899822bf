// run, worker, and what is known of a sweep that runs: from a spec to records.

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "experiments/command_line.h"
#include "experiments/show_command.h"
#include "experiments/status_command.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/launch/launcher.h"
#include "harness/launch/plan_checks.h"
#include "harness/launch/plan_cost.h"
#include "harness/launch/run_worker.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_plan.h"
#include "methods/method_checks.h"

namespace sft::experiments {
namespace {

// What a run and its worker are told alike.
struct RecordingFlags {
  std::string out = "results";
  absl::Duration checkpoint_every = absl::Minutes(2);
  bool keep_text = false;
  launch::KeepWeights keep_weights = launch::KeepWeights::kAdapters;
};

void DeclareRecording(CLI::App& app, RecordingFlags& flags) {
  app.add_option("--out", flags.out, "folder of records and weights")
      ->type_name("DIR");
  app.add_option_function<std::string>(
         "--checkpoint-every",
         [&flags](const std::string& text) {
           absl::ParseDuration(text, &flags.checkpoint_every);
         },
         "time between checkpoints; 0 = every step")
      ->type_name("TIME")
      ->default_str("2m")
      ->check(Checked("a time such as 30s or 5m", [](std::string& text) {
        absl::Duration time;
        return absl::ParseDuration(text, &time) && time >= absl::ZeroDuration();
      }));
  app.add_flag("--keep-text", flags.keep_text,
               "keep prompts and answers in the record");
  app.add_option_function<std::string>(
         "--keep-weights",
         [&flags](const std::string& name) {
           flags.keep_weights = *launch::ParseKeepWeights(name);
         },
         "trained weights to keep for export; all: also of methods that train "
         "the model itself")
      ->default_str(launch::KeepWeightsName(flags.keep_weights))
      ->check(OneOf(launch::KeepWeightsNames()));
  // As it was called before; of no group, so that no help shows it.
  app.add_flag_function("!--no-save-weights,!--nosave-weights,--save-weights",
                        [&flags](int64_t count) {
                          flags.keep_weights = count > 0
                                                   ? launch::KeepWeights::kAll
                                                   : launch::KeepWeights::kNone;
                        })
      ->group("");
}

struct RunFlags {
  std::string spec;
  RecordingFlags recording;
  int jobs = 1;
  int max_attempts = 2;
  std::string pool = launch::LaunchOptions().pool;
  bool dry_run = false;
};

std::vector<std::string> PoolNames() {
  std::vector<std::string> names;
  for (const launch::WorkerPoolRow& row : launch::WorkerPools()) {
    names.push_back(row.name);
  }
  return names;
}

void DeclareRun(CLI::App& app, RunFlags& flags) {
  app.add_option("SPEC", flags.spec, "a YAML file, the question")->required();
  app.add_flag("--dry-run", flags.dry_run,
               "print the plan and what it costs, run nothing");
  app.add_option("--jobs", flags.jobs, "runs at a time, a process each")
      ->transform(WholeNumber(1, 1024));
  app.add_option("--max-attempts", flags.max_attempts,
                 "tries of a run that fails")
      ->transform(WholeNumber(1, 1024));
  app.add_option("--pool", flags.pool, "where runs execute")
      ->check(OneOf(PoolNames()));
  DeclareRecording(app, flags.recording);
}

struct WorkerFlags {
  RecordingFlags recording;
  std::string run_id;
  int progress_fd = -1;
  int attempt = 1;
};

void DeclareWorker(CLI::App& app, WorkerFlags& flags) {
  DeclareRecording(app, flags.recording);
  app.add_option("--run-id", flags.run_id, "the run of the plan to execute");
  app.add_option("--progress-fd", flags.progress_fd, "where progress lines go");
  app.add_option("--attempt", flags.attempt, "which try this is");
}

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

absl::StatusOr<int> RunRun(const RunFlags& flags) {
  const launch::Workbench& bench = TheWorkbench();
  SFT_ASSIGN_OR_RETURN(const spec::ExperimentSpec spec,
                       spec::ParseSpec(flags.spec, bench.Tables()));
  SFT_ASSIGN_OR_RETURN(
      const launch::CheckedPlan checked,
      launch::MakePlan(bench, spec, methods::AllMethodChecks()));
  const spec::RunPlan& plan = checked.plan;
  if (flags.dry_run) {
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
  options.paths.out = flags.recording.out;
  options.jobs = flags.jobs;
  options.max_attempts = flags.max_attempts;
  options.pool = flags.pool;
  options.checkpoint_every = flags.recording.checkpoint_every;
  options.keep_text = flags.recording.keep_text;
  options.keep_weights = flags.recording.keep_weights;
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

absl::StatusOr<int> RunWorker(const WorkerFlags& flags) {
  // A worker must not outlive its launcher: the next one starts it anew.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == 1) return kExitRunFailed;
  signal(SIGTERM, AskToStop);
  signal(SIGINT, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  launch::WorkerOptions options;
  options.paths.out = flags.recording.out;
  options.attempt = flags.attempt;
  options.checkpoint_every = flags.recording.checkpoint_every;
  options.keep_text = flags.recording.keep_text;
  options.keep_weights = flags.recording.keep_weights;
  options.should_stop = [] { return stop_asked != 0; };
  const int fd = flags.progress_fd;
  options.show_progress = [fd](const launch::Progress& progress) {
    if (fd < 0) return;
    const std::string line = launch::FormatProgress(progress) + "\n";
    // Progress is worth nothing to a launcher that is gone.
    if (write(fd, line.data(), line.size()) < 0) return;
  };
  SFT_ASSIGN_OR_RETURN(const spec::RunPlan plan,
                       spec::PlanFromJson(options.paths.Plan()));
  for (const spec::PlannedRun& run : plan.runs) {
    if (run.run_id != flags.run_id) continue;
    SFT_ASSIGN_OR_RETURN(
        const launch::WorkerOutcome outcome,
        launch::ExecuteRun(TheWorkbench(), run, plan, options));
    return static_cast<int>(outcome);
  }
  return InputError(options.paths.Plan(), "has no run '" + flags.run_id + "'");
}

}  // namespace

std::vector<Command> SweepCommands() {
  return {
      MakeCommand(
          {.name = "run",
           .usage = "run SPEC [--out DIR] [--jobs N] [--dry-run]",
           .summary = "Run a spec's sweep; finished runs are not repeated.",
           .help = R"(
Expands the YAML spec into runs, one process each, and writes a record a run
to DIR/runs. Killed or interrupted at any moment, the same command continues,
and the records are the same. What cannot work is refused before anything is
run, with the spec's line.

A small spec, for 'sftbench run SPEC --dry-run':

  question: does LoRA reach full fine-tuning here?
  model: smollm2-135m-instruct   # or a folder, or a .gguf file
  train: [bbc_headlines]         # or a file of yours, under data:
  evaluate: {tasks: [bbc_headlines], retain: [wiki_demo]}
  budget: {target_tokens: 600}   # or steps, epochs, wall_seconds
  set: {max_length: 256}
  grid:
    method: [full, lora]
    learning_rate: [1.0e-4, 5.0e-4]
    seed: [0, 1, 2]
  baseline: {method: full}

'sftbench list fields' shows whatever may stand under set: and grid:, with
defaults and allowed values; README.md each key at the top.
  sftbench run experiments/demo.yaml --dry-run
  sftbench run experiments/demo.yaml --out results/demo
)",
           .exit_status = "0 good, 1 a run failed, 2 bad usage or input "
                          "(nothing was run), 130 interrupted (type it again)"},
          DeclareRun, RunRun),
      MakeCommand(
          {.name = "worker",
           .usage = "worker --out DIR --run-id ID",
           .summary = "Execute one run of DIR/plan.json (called by run).",
           .help = "",
           .exit_status = "0 good, 1 the run failed, 2 bad input, 130 "
                          "interrupted",
           .hidden = true},
          DeclareWorker, RunWorker),
      StatusCommand(),
      ShowCommand(),
  };
}

}  // namespace sft::experiments
