// run, worker, status: from a spec to records.

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "experiments/command_line.h"
#include "harness/analysis/run_status.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/launch/launcher.h"
#include "harness/launch/plan_checks.h"
#include "harness/launch/plan_cost.h"
#include "harness/launch/run_needs.h"
#include "harness/launch/run_worker.h"
#include "harness/measure/machine_facts.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_plan.h"
#include "methods/method_checks.h"

namespace sft::experiments {
namespace {

// What a run and its worker are told alike.
struct RecordingFlags {
  std::string out = "results";
  absl::Duration checkpoint_every = absl::Minutes(2);
  absl::Duration run_limit = absl::InfiniteDuration();
  bool keep_text = false;
  bool save_weights = true;
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
  app.add_option_function<std::string>(
         "--run-limit",
         [&flags](const std::string& text) {
           absl::ParseDuration(text, &flags.run_limit);
         },
         "time of a run in one call; then it saves, and the next call "
         "continues it")
      ->type_name("TIME")
      ->default_str("none")
      ->check(Checked("a time such as 30m or 4h", [](std::string& text) {
        absl::Duration time;
        return absl::ParseDuration(text, &time) && time > absl::ZeroDuration();
      }));
  app.add_flag("--keep-text", flags.keep_text,
               "keep prompts and answers in the record");
  app.add_flag("!--no-save-weights,!--nosave-weights,--save-weights",
               flags.save_weights,
               "keep no trained weights; nothing can be exported then");
}

constexpr char kAutoJobs[] = "auto";

struct RunFlags {
  std::string spec;
  RecordingFlags recording;
  std::string jobs = "1";
  bool gpus = false;
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
  app.add_option("--jobs", flags.jobs,
                 "runs at a time, a process each; auto = as many as cores and "
                 "free memory take")
      ->type_name("N|auto")
      ->check(Checked(
          "a whole number from 1 to 1024, or auto", [](std::string& text) {
            int jobs = 0;
            return text == kAutoJobs ||
                   (absl::SimpleAtoi(text, &jobs) && jobs >= 1 && jobs <= 1024);
          }));
  app.add_flag("--gpus", flags.gpus,
               "a run a card of CUDA_VISIBLE_DEVICES, or of all; each sees "
               "its own");
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

struct StatusFlags {
  std::string folder;
};

void DeclareStatus(CLI::App& app, StatusFlags& flags) {
  app.add_option("DIR", flags.folder, "the --out of a run")->required();
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

// How many runs go at a time, and on what.
absl::Status SetJobs(const RunFlags& flags, launch::NeedsPredictor& needs,
                     launch::LaunchOptions& options) {
  if (flags.gpus) {
    options.cards = measure::VisibleCards(getenv("CUDA_VISIBLE_DEVICES"));
    if (options.cards.empty()) {
      return absl::InvalidArgumentError(
          "--gpus: no card is visible here (CUDA_VISIBLE_DEVICES, "
          "/dev/nvidia0)");
    }
    options.jobs = static_cast<int>(options.cards.size());
  }
  if (flags.jobs == kAutoJobs) {
    options.machine = [] { return measure::ReadMachineFacts(); };
    options.needs_of = [&needs](const spec::RunConfig& config) {
      return needs.Of(config);
    };
    if (!flags.gpus) options.jobs = options.machine().cores;
  } else if (!flags.gpus) {
    // It was checked when it was read.
    if (!absl::SimpleAtoi(flags.jobs, &options.jobs)) options.jobs = 1;
  }
  return absl::OkStatus();
}

// As process 1 of a container a signal without a handler is dropped: a plan
// that takes long could not be ended. RunSweep has handlers of its own.
void EndOnSignals() {
  if (getpid() != 1) return;
  for (const int number : {SIGINT, SIGTERM}) {
    signal(number, [](int caught) { _exit(128 + caught); });
  }
}

absl::StatusOr<int> RunRun(const RunFlags& flags) {
  EndOnSignals();
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
  launch::NeedsPredictor needs(bench);
  SFT_RETURN_IF_ERROR(SetJobs(flags, needs, options));
  options.max_attempts = flags.max_attempts;
  options.pool = flags.pool;
  options.checkpoint_every = flags.recording.checkpoint_every;
  options.run_limit = flags.recording.run_limit;
  options.keep_text = flags.recording.keep_text;
  options.save_weights = flags.recording.save_weights;
  SFT_RETURN_IF_ERROR(MakeFolders(options.paths.Runs()));
  SFT_RETURN_IF_ERROR(
      WriteFileAtomically(options.paths.Plan(), spec::PlanToJson(plan)));
  SFT_ASSIGN_OR_RETURN(const launch::LaunchSummary summary,
                       launch::RunSweep(plan, options));
  fprintf(stderr,
          "%d finished, %d diverged, %d failed, %s%d were there already; next: "
          "sftbench report %s\n",
          summary.finished, summary.diverged, summary.failed,
          summary.timed_out == 0
              ? ""
              : absl::StrCat(summary.timed_out, " out of their time, ").c_str(),
          summary.skipped, options.paths.out.c_str());
  if (summary.interrupted) return kExitInterrupted;
  return summary.failed > 0 || summary.timed_out > 0 || summary.disk_full
             ? kExitRunFailed
             : kExitGood;
}

// Whether who reads a worker's progress is gone. Its process id says nothing:
// in a container it may be 1, as whose children all orphans are.
bool IsLauncherGone(int progress_fd) {
  pollfd file{progress_fd, 0, 0};
  return poll(&file, 1, 0) == 1 && (file.revents & (POLLERR | POLLNVAL)) != 0;
}

absl::StatusOr<int> RunWorker(const WorkerFlags& flags) {
  // A worker must not outlive its launcher: the next one starts it anew. One
  // without a launcher is somebody's own.
  if (flags.progress_fd >= 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (IsLauncherGone(flags.progress_fd)) return kExitRunFailed;
  }
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) {
    signal(number, AskToStop);
  }
  signal(SIGPIPE, SIG_IGN);
  launch::WorkerOptions options;
  options.paths.out = flags.recording.out;
  options.attempt = flags.attempt;
  options.checkpoint_every = flags.recording.checkpoint_every;
  options.run_limit = flags.recording.run_limit;
  options.keep_text = flags.recording.keep_text;
  options.save_weights = flags.recording.save_weights;
  // What is spilled lies beside the run's other files, not on a node's /tmp.
  const std::string work = options.paths.Work(flags.run_id);
  SFT_RETURN_IF_ERROR(MakeFolders(work));
  setenv("TMPDIR", work.c_str(), 1);
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

absl::StatusOr<int> RunStatusCommand(const StatusFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const analysis::StatusTable table,
                       analysis::ReadStatus(flags.folder));
  fputs(analysis::RenderStatus(table).c_str(), stdout);
  return kExitGood;
}

}  // namespace

std::vector<Command> SweepCommands() {
  return {
      MakeCommand(
          {.name = "run",
           .usage = "run SPEC [--out DIR] [--jobs N|auto] [--dry-run]",
           .summary = "Run a spec's sweep; finished runs are not repeated.",
           .help = R"(
Expands the YAML spec into runs, one process each, and writes a record a run
to DIR/runs. Killed or interrupted at any moment, the same command continues,
and the records are the same. What cannot work is refused before anything is
run, with the spec's line. Ctrl-C, SIGTERM and SIGUSR1 let the runs save first;
a second Ctrl-C does not wait for them.

--jobs 1 is the default: rates and memory of runs beside each other are not
comparable. --jobs auto starts a run beside others where cores (affinity and
quota) hold the threads of all, and where the memory that it is predicted to
take is free; it waits else, and what never fits is refused.

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
           .exit_status = "0 good, 1 a run failed or ran out of its time, or "
                          "the disk is full, 2 bad usage or input (nothing was "
                          "run), 130 interrupted (type it again)"},
          DeclareRun, RunRun),
      MakeCommand(
          {.name = "worker",
           .usage = "worker --out DIR --run-id ID",
           .summary = "Execute one run of DIR/plan.json (called by run).",
           .help = "",
           .exit_status = "0 good, 1 the run failed, 2 bad input, 12 no "
                          "memory for its record, 28 the disk is full, 124 out "
                          "of its time, 130 interrupted",
           .hidden = true},
          DeclareWorker, RunWorker),
      MakeCommand(
          {.name = "status",
           .usage = "status DIR",
           .summary = "What is done, running, interrupted, failed and left.",
           .help = R"(
A line a run, then the counts. done: a record that stands, ok or diverged.
running: a process is at it. interrupted: begun, and no process is at it; the
same 'run' continues. failed: the last try failed. pending: not begun.
  sftbench status results/demo
)"},
          DeclareStatus, RunStatusCommand),
  };
}

}  // namespace sft::experiments
