// run, worker, and what is known of a sweep that runs: from a spec to records.

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "experiments/command_line.h"
#include "experiments/own_program.h"
#include "experiments/plan_output.h"
#include "experiments/planned_sweep.h"
#include "experiments/recording_flags.h"
#include "experiments/show_command.h"
#include "experiments/status_command.h"
#include "harness/analysis/power.h"
#include "harness/core/files.h"
#include "harness/core/parallel_for.h"
#include "harness/core/status.h"
#include "harness/core/thread_waiting.h"
#include "harness/launch/launcher.h"
#include "harness/launch/plan_cost.h"
#include "harness/launch/run_needs.h"
#include "harness/launch/run_worker.h"
#include "harness/launch/search_sweep.h"
#include "harness/measure/machine_facts.h"
#include "harness/record/manifest_store.h"
#include "harness/record/run_store.h"
#include "harness/spec/plan_filter.h"
#include "harness/spec/plan_shard.h"
#include "harness/spec/run_plan.h"

namespace sft::experiments {
namespace {

constexpr char kAutoJobs[] = "auto";

struct RunFlags : SweepFlags {
  std::string jobs = "1";
  bool gpus = false;
  std::string pool = launch::LaunchOptions().pool;
  std::string shard = "1/1";
  int rung = 0;
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
  DeclareSpec(app, flags);
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
  app.add_option("--pool", flags.pool, "where runs execute")
      ->check(OneOf(PoolNames()));
  app.add_option("--shard", flags.shard,
                 "a part: of every N runs the I-th, for sweeps over several "
                 "machines and one DIR")
      ->type_name("I/N")
      ->check(Checked("a part such as 2/3", [](std::string& text) {
        return spec::ParseShard(text).ok();
      }));
  app.add_option("--rung", flags.rung,
                 "of a spec with search: no run goes behind the end of this "
                 "rung, from 1; 0 = any")
      ->type_name("K")
      ->transform(WholeNumber(0, 64));
  DeclareSweep(app, flags);
}

struct WorkerFlags {
  launch::RecordingOptions recording;
  std::string manifest;
  size_t index = 0;
  std::string run_id;
  int progress_fd = -1;
  int attempt = 1;
  int rung = 0;
};

void DeclareWorker(CLI::App& app, WorkerFlags& flags) {
  DeclareRecording(app, flags.recording);
  app.add_option("--manifest", flags.manifest, "the plan")->required();
  app.add_option("--index", flags.index, "the run of it to execute, from 0");
  app.add_option("--run-id", flags.run_id, "the id that this run must have");
  app.add_option("--progress-fd", flags.progress_fd, "where progress lines go");
  app.add_option("--attempt", flags.attempt, "which try this is");
  app.add_option("--rung", flags.rung, "at whose end it pauses, 0 = none");
}

volatile sig_atomic_t stop_asked = 0;
void AskToStop(int) { stop_asked = 1; }

// How many runs go at a time, and on what.
absl::Status SetJobs(const RunFlags& flags, launch::PredictedNeeds needs,
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
    options.needs_of = [needs =
                            std::move(needs)](const spec::RunConfig& config) {
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

launch::SearchRequest RequestOf(const RunFlags& flags,
                                const std::optional<spec::RunPlan>& some) {
  launch::SearchRequest request;
  request.last_rung = flags.rung;
  if (!some) return request;
  request.own.emplace();
  for (const spec::PlannedRun& run : some->runs) {
    request.own->insert(run.run_id);
  }
  return request;
}

void SaySearch(const launch::SearchSummary& summary) {
  if (summary.runs.stopped > 0) {
    fprintf(stderr, "%d stopped by the search\n", summary.runs.stopped);
  }
  if (summary.paused > 0) {
    fprintf(stderr, "%d paused: no further than --rung\n", summary.paused);
  }
  if (summary.waiting > 0) {
    fprintf(stderr,
            "%d wait for the others of their rung, which are not run here: "
            "type the same command again once those are done\n",
            summary.waiting);
  }
}

absl::StatusOr<int> RunRun(const RunFlags& flags) {
  EndOnSignals();
  PlanProgress progress;
  std::optional<launch::RunCosts> costs(std::in_place, TheWorkbench(),
                                        progress.Say());
  SFT_ASSIGN_OR_RETURN(const launch::CheckedPlan checked,
                       PlanOfSpec(flags.spec, *costs));
  const spec::RunPlan& plan = checked.plan;
  // The folder keeps the whole plan: a report says what is missing of it. It
  // may be large, and is copied for a part alone.
  std::optional<spec::RunPlan> some;
  if (!flags.filter.empty()) {
    SFT_ASSIGN_OR_RETURN(
        some, spec::FilterPlan(plan, flags.filter, TheWorkbench().Tables()));
  }
  SFT_ASSIGN_OR_RETURN(const spec::Shard shard, spec::ParseShard(flags.shard));
  if (shard.of > 1) some = spec::ShardOf(some ? *some : plan, shard);
  const spec::RunPlan& part = some ? *some : plan;
  if (flags.rung > 0 && plan.search.kind.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--rung: ", flags.spec, " has no search:"));
  }
  if (flags.dry_run) {
    const record::RunStore store(flags.recording.paths);
    SFT_ASSIGN_OR_RETURN(
        const launch::PlanDescription described,
        launch::DescribePlan(part, store, flags.recording.keep_weights,
                             *costs));
    progress.Clear();
    PrintWarnings(checked.warnings);
    PrintWarnings(described.notices);
    PrintWarnings(analysis::NotesOnDecidability(plan));
    PrintPlan(described);
    return kExitGood;
  }
  launch::PredictedNeeds needs;
  if (flags.jobs == kAutoJobs) {
    SFT_ASSIGN_OR_RETURN(needs, launch::PredictedNeeds::Of(part, *costs));
  }
  progress.Clear();
  costs.reset();  // its rows are not held while runs take the memory
  SayPlan(checked);
  launch::LaunchOptions options;
  SFT_ASSIGN_OR_RETURN(options.executable, OwnPath());
  launch::RecordingOptions& recording = options;
  recording = flags.recording;
  SFT_RETURN_IF_ERROR(SetJobs(flags, std::move(needs), options));
  int64_t threads = 1;
  for (const spec::PlannedRun& run : part.runs) {
    threads = std::max(threads, run.config.threads);
  }
  // For the workers, which inherit it; --jobs auto starts no more than fit.
  if (flags.jobs != kAutoJobs && options.jobs > 1 &&
      options.jobs * threads > static_cast<int64_t>(UsableCores())) {
    SetThreadWaiting(/*crowded=*/true);
  }
  options.max_attempts = flags.max_attempts;
  options.pool = flags.pool;
  SFT_RETURN_IF_ERROR(MakeFolders(options.paths.Runs()));
  SFT_ASSIGN_OR_RETURN(options.manifest,
                       record::WriteManifest(options.paths, plan));
  // Places are those of the whole plan, which all shards share.
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    options.manifest_index.emplace(plan.runs[i].run_id, i);
  }
  launch::SearchSummary ended;
  if (plan.search.kind.empty()) {
    SFT_ASSIGN_OR_RETURN(ended.runs, launch::RunSweep(part, options));
  } else {
    // Runs compete with those of all shards.
    SFT_ASSIGN_OR_RETURN(
        ended, launch::RunSearch(plan, RequestOf(flags, some), options));
  }
  const launch::LaunchSummary& summary = ended.runs;
  fprintf(stderr,
          "%d finished, %d diverged, %d failed, %s%d were there already; next: "
          "sftbench report %s\n",
          summary.finished, summary.diverged, summary.failed,
          summary.timed_out == 0
              ? ""
              : absl::StrCat(summary.timed_out, " out of their time, ").c_str(),
          summary.skipped, options.paths.out.c_str());
  SaySearch(ended);
  if (summary.interrupted) return kExitInterrupted;
  if (summary.failed > 0 || summary.timed_out > 0 || summary.disk_full) {
    return kExitRunFailed;
  }
  return ended.waiting > 0 ? kExitPutBack : kExitGood;
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
  // Batch systems warn every process of a job, the workers of a task too.
  for (const int number : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) {
    signal(number, AskToStop);
  }
  signal(SIGPIPE, SIG_IGN);
  launch::WorkerOptions options;
  launch::RecordingOptions& recording = options;
  recording = flags.recording;
  options.attempt = flags.attempt;
  options.rung = flags.rung;
  options.should_stop = [] { return stop_asked != 0; };
  // The launcher has made it the run's log.
  options.log = [](const std::string& line) {
    fprintf(stderr, "%s\n", line.c_str());
  };
  const int fd = flags.progress_fd;
  options.show_progress = [fd](const launch::Progress& progress) {
    if (fd < 0) return;
    const std::string line = launch::FormatProgress(progress) + "\n";
    // Progress is worth nothing to a launcher that is gone.
    if (write(fd, line.data(), line.size()) < 0) return;
  };
  SFT_ASSIGN_OR_RETURN(const record::ManifestFile manifest,
                       record::ManifestFile::Open(flags.manifest));
  SFT_ASSIGN_OR_RETURN(const spec::PlannedRun run, manifest->Run(flags.index));
  if (run.run_id != flags.run_id) {
    return InputError(flags.manifest,
                      absl::StrCat("run ", flags.index, " is '", run.run_id,
                                   "', not '", flags.run_id, "'"));
  }
  // What is spilled lies beside the run's other files, not on a node's /tmp.
  const std::string work = options.paths.Work(flags.run_id);
  SFT_RETURN_IF_ERROR(MakeFolders(work));
  setenv("TMPDIR", work.c_str(), 1);
  SFT_ASSIGN_OR_RETURN(
      const launch::WorkerOutcome outcome,
      launch::ExecuteRun(TheWorkbench(), run, manifest->header(), options));
  return static_cast<int>(outcome);
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
  sftbench run experiments/demo.yaml --filter 'method=lora,batching=packed'
'sftbench init' prints such specs, 'sftbench check' tells all that is wrong with
one.
)",
           .exit_status = "0 good, 1 a run failed or ran out of its time, or "
                          "the disk is full, 2 bad usage or input (nothing was "
                          "run), 75 a search waits for other shards, 130 "
                          "interrupted (type it again)"},
          DeclareRun, RunRun),
      MakeCommand(
          {.name = "worker",
           .usage = "worker --out DIR --manifest FILE --index N",
           .summary = "Execute one run of a manifest (called by run).",
           .help = "",
           .exit_status = "0 good, 1 the run failed, 2 bad input, 12 no "
                          "memory for its record, 28 the disk is full, 124 out "
                          "of its time, 130 interrupted",
           .hidden = true},
          DeclareWorker, RunWorker),
      StatusCommand(),
      ShowCommand(),
  };
}

}  // namespace sft::experiments
