// plan, task: a sweep in the hands of a batch system, whichever it is.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "experiments/command_line.h"
#include "experiments/handed_sweep.h"
#include "experiments/own_program.h"
#include "experiments/plan_diff.h"
#include "experiments/planned_sweep.h"
#include "experiments/recording_flags.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/launch/interrupts.h"
#include "harness/launch/plan_search.h"
#include "harness/launch/shell_words.h"
#include "harness/launch/slurm/slurm_programs.h"
#include "harness/launch/task.h"
#include "harness/launch/task_index.h"
#include "harness/launch/task_lines.h"
#include "harness/record/manifest_store.h"
#include "harness/search/standings.h"

namespace sft::experiments {
namespace {

namespace fs = std::filesystem;

struct PlanFlags : SweepFlags {
  std::string format = "lines";
  std::string diff;  // "" = none
};

void DeclarePlan(CLI::App& app, PlanFlags& flags) {
  DeclareSpec(app, flags);
  app.add_option("--format", flags.format, "of what is printed")
      ->check(OneOf({"lines", "json", "tsv"}));
  app.add_option("--diff", flags.diff,
                 "instead: what changed since an earlier plan, a sweep's "
                 "folder, a manifest or a spec; writes nothing")
      ->type_name("OLD");
  DeclareSweep(app, flags);
}

// What a search will spend, on standard error.
absl::Status SayWhatSearchTakes(const spec::RunPlan& plan) {
  if (plan.search.kind.empty()) return absl::OkStatus();
  launch::RunCosts costs(TheWorkbench());
  std::vector<int64_t> tokens;
  for (const spec::PlannedRun& run : plan.runs) {
    SFT_ASSIGN_OR_RETURN(const launch::RunCost cost, costs.Of(run.config));
    tokens.push_back(cost.real_tokens);
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> lines,
                       launch::DescribeSearch(plan, tokens));
  for (const std::string& line : lines) fprintf(stderr, "%s\n", line.c_str());
  return absl::OkStatus();
}

absl::StatusOr<int> RunPlanCommand(const PlanFlags& flags) {
  if (!flags.diff.empty()) {
    SFT_ASSIGN_OR_RETURN(const launch::CheckedPlan checked,
                         PlanOfSpec(flags.spec));
    SayPlan(checked);
    SFT_RETURN_IF_ERROR(PrintPlanDiff(flags.diff, checked.plan));
    return kExitGood;
  }
  SFT_ASSIGN_OR_RETURN(const HandedSweep sweep, HandOver(flags));
  SFT_RETURN_IF_ERROR(SayWhatSearchTakes(sweep.plan));
  const std::vector<spec::PlannedRun>& runs = sweep.plan.runs;
  fprintf(stderr, "%zu runs in %s\n", runs.size(), sweep.manifest.c_str());
  nlohmann::json all = nlohmann::json::array();
  if (flags.format == "tsv") {
    printf("index\trun_id\tuntuned_id\tmethod\tbatching\tseed\taxes\n");
  }
  for (const size_t i : sweep.places) {
    std::vector<std::string> words = sweep.task_words;
    words.push_back(absl::StrCat("--index=", i));
    if (flags.format == "lines") {
      printf("%s\n", launch::ShellLine(words).c_str());
    } else if (flags.format == "json") {
      all.push_back({{"index", i},
                     {"run_id", runs[i].run_id},
                     {"untuned_id", runs[i].untuned_id},
                     {"axes", runs[i].axes},
                     {"command", words}});
    } else {
      // A value may hold anything: as JSON it holds no tab and no line.
      const spec::RunConfig& config = runs[i].config;
      printf("%zu\t%s\t%s\t%s\t%s\t%lld\t%s\n", i, runs[i].run_id.c_str(),
             runs[i].untuned_id.c_str(), config.method.c_str(),
             config.batching.c_str(), static_cast<long long>(config.seed),
             formats::JsonText(nlohmann::json(runs[i].axes)).c_str());
    }
  }
  if (flags.format == "json") {
    printf("%s\n", formats::JsonText(all, 1).c_str());
  }
  return kExitGood;
}

struct TaskFlags {
  std::string manifest;
  std::string index;  // "" = the batch system's
  size_t first = 0;
  std::string tasks;
  int max_attempts = launch::kDefaultAttempts;
  int rung = 0;
  std::string build;
  bool allow_other_build = false;
  int slurm_requeues = 0;
  launch::RecordingOptions recording;  // no folder: the manifest's own
};

void DeclareTask(CLI::App& app, TaskFlags& flags) {
  app.add_option("MANIFEST", flags.manifest, "DIR/manifests/DIGEST.jsonl")
      ->required();
  app.add_option("--index", flags.index,
                 "the run's place, from 0; without it, the batch system's task "
                 "number")
      ->transform(WholeNumber(0))
      ->type_name("N");
  app.add_option("--first", flags.first,
                 "added to that number: an array that was cut begins here")
      ->type_name("N")
      ->transform(WholeNumber(0));
  app.add_option("--tasks", flags.tasks,
                 "a line a task, the places of its runs; the number is a "
                 "line's, from 0")
      ->type_name("FILE");
  DeclareMaxAttempts(app, flags.max_attempts);
  app.add_option("--rung", flags.rung,
                 "of a plan with a search: not behind the end of this rung, "
                 "from 1; 0 = as far as what is recorded lets it")
      ->type_name("K")
      ->transform(WholeNumber(0, 64));
  app.add_option("--build", flags.build,
                 "SHA-256 that this program must have, or its beginning")
      ->type_name("HEX");
  app.add_flag("--allow-other-build", flags.allow_other_build,
               "run all the same, and say it");
  app.add_option("--slurm-requeues", flags.slurm_requeues,
                 "told of its time limit (SIGUSR1), it asks Slurm to put it "
                 "back, so often at most")
      ->transform(WholeNumber(0, 10000));
  DeclareRecording(app, flags.recording);
}

// A batch system may start what is in its PATH, which is not what submitted.
absl::Status CheckBuild(const TaskFlags& flags) {
  if (flags.build.empty()) return absl::OkStatus();
  SFT_ASSIGN_OR_RETURN(const std::string own, OwnDigest());
  if (own.rfind(flags.build, 0) == 0) return absl::OkStatus();
  const std::string what =
      absl::StrCat("this is another build of sftbench (SHA-256 ",
                   own.substr(0, 12), "...) than the one that made the plan (",
                   flags.build.substr(0, 12), "...)");
  if (!flags.allow_other_build) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, "; --allow-other-build runs it all the same"));
  }
  fprintf(stderr, "warning: %s\n", what.c_str());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<size_t>> IndicesOf(const TaskFlags& flags) {
  size_t number = 0;
  if (flags.index.empty()) {
    SFT_ASSIGN_OR_RETURN(number, launch::TaskIndexFrom([](const char* name) {
                           return std::getenv(name);
                         }));
  } else if (uint64_t value = 0; absl::SimpleAtoi(flags.index, &value)) {
    number = static_cast<size_t>(value);
  }
  number += flags.first;
  if (flags.tasks.empty()) return std::vector<size_t>{number};
  SFT_ASSIGN_OR_RETURN(const launch::TaskPlaces tasks,
                       launch::ReadTaskLines(flags.tasks));
  if (number < tasks.size()) return tasks[number];
  return InputError(flags.tasks,
                    absl::StrCat("task ", number, ": has ", tasks.size(),
                                 " lines, counted from 0"));
}

absl::StatusOr<launch::TaskEnd> ExecuteTask(
    const TaskFlags& flags, const spec::ManifestReader& manifest,
    const spec::RunPlan& plan, launch::LaunchOptions& options,
    const std::function<int()>& interrupts) {
  const auto make_pool = [](const launch::LaunchOptions& of_pool) {
    return launch::MakeWorkerPool(of_pool.pool, of_pool);
  };
  SFT_ASSIGN_OR_RETURN(const auto search,
                       search::Search::WithRungs(manifest.header()));
  const bool is_tuned = std::any_of(
      plan.runs.begin(), plan.runs.end(), [](const spec::PlannedRun& run) {
        return run.config.method != spec::kUntuned;
      });
  if (!search.has_value() || !is_tuned) {
    SFT_ASSIGN_OR_RETURN(const std::unique_ptr<launch::WorkerPool> pool,
                         make_pool(options));
    return launch::RunTask(*pool, plan, options, interrupts);
  }
  // The others of the bracket decide how far a run goes.
  SFT_ASSIGN_OR_RETURN(const spec::RunPlan whole, manifest.Plan());
  for (size_t i = 0; i < whole.runs.size(); ++i) {
    options.manifest_index.emplace(whole.runs[i].run_id, i);
  }
  return launch::RunSearchTask(make_pool, whole, flags.rung, options,
                               interrupts);
}

absl::StatusOr<int> RunTaskCommand(const TaskFlags& flags) {
  // Before anything else: a signal that comes now is obeyed too.
  const launch::InterruptCounter interrupts;
  SFT_RETURN_IF_ERROR(CheckBuild(flags));
  SFT_ASSIGN_OR_RETURN(
      const record::ManifestFile manifest,
      record::ManifestFile::Open(flags.manifest,
                                 TheWorkbench().LaterOptionsOfMethods()));
  SFT_ASSIGN_OR_RETURN(const std::vector<size_t> indices, IndicesOf(flags));
  launch::LaunchOptions options;
  launch::RecordingOptions& recording = options;
  recording = flags.recording;
  if (options.paths.out.empty()) {
    // DIR/manifests/DIGEST.jsonl
    options.paths.out = fs::absolute(flags.manifest)
                            .lexically_normal()
                            .parent_path()
                            .parent_path()
                            .string();
  }
  SFT_ASSIGN_OR_RETURN(options.executable, OwnPath());
  options.manifest = flags.manifest;
  options.max_attempts = flags.max_attempts;
  SFT_ASSIGN_OR_RETURN(
      const spec::RunPlan plan,
      launch::PlanOfTask(*manifest, indices, options.manifest_index));
  // Of its own runs a task cannot know whether who is at them lives.
  for (const auto& [run_id, index] : options.manifest_index) {
    if (std::find(indices.begin(), indices.end(), index) != indices.end()) {
      options.shared_runs.insert(run_id);
    }
  }
  // Batch systems ask more than once and then kill by themselves: no number of
  // signals keeps a worker from saving.
  SFT_ASSIGN_OR_RETURN(
      const launch::TaskEnd end,
      ExecuteTask(flags, *manifest, plan, options,
                  [&interrupts] { return std::min(interrupts.count(), 1); }));
  if (end == launch::TaskEnd::kPutBack && interrupts.warned()) {
    // Not after SIGTERM, warned before or not: that is a scancel, or Slurm puts
    // it back by itself.
    launch::RequeueThisSlurmJob(flags.slurm_requeues);
  }
  return static_cast<int>(end);
}

std::string TaskHelp() {
  std::string help = R"(
Executes runs of a manifest and ends: for any batch system. Which run: --index,
or the task number that the system gives, in this order:
)";
  for (const launch::TaskIndexVariable& row : launch::TaskIndexVariables()) {
    absl::StrAppendFormat(&help, "  %-22s%s, %s\n", row.name, row.engine,
                          row.first == 0 ? "from 0" : "from 1");
  }
  absl::StrAppend(&help, R"(
The untuned run whose scores a run reads comes first: executed here where nobody
is at it, waited for where another task is. On TERM, INT, USR1 or USR2 the task
saves a checkpoint. A run of a search pauses at the end of a rung; while the
others of that rung decide whether it goes on, the task ends with 75 and is to
be started again later. One that is started twice does no harm: the first record
stands.
  sftbench task results/demo/manifests/0123456789ab.jsonl --index 3
)");
  return help;
}

}  // namespace

std::vector<Command> TaskCommands() {
  return {
      MakeCommand(
          {.name = "plan",
           .usage =
               "plan SPEC --out DIR [--format lines|json|tsv] [--diff OLD]",
           .summary = "Write a sweep's manifest; print a command line a run.",
           .help = R"(
Every line is one run, for whatever starts processes; it may be started again,
there or elsewhere, and then goes on. Untuned runs stand first.
  sftbench plan experiments/smoke.yaml --out results/smoke > lines
  parallel --jobs 2 --joblog log < lines
  parallel --jobs 2 --joblog log --resume-failed < lines
With --diff, what a changed spec runs anew, and why:
  sftbench plan my.yaml --diff results/my
)"},
          DeclarePlan, RunPlanCommand),
      MakeCommand({.name = "task",
                   .usage = "task MANIFEST [--index N]",
                   .summary = "Execute one run of a manifest, as a task of an "
                              "array.",
                   .help = TaskHelp(),
                   .exit_status = "0 done, now or before; 1 failed for good; 2 "
                                  "bad usage or input; 75 interrupted, out of "
                                  "its time or of disk: put it back"},
                  DeclareTask, RunTaskCommand),
  };
}

}  // namespace sft::experiments
