// submit, cancel: a sweep as job arrays of Slurm.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/str_replace.h"
#include "experiments/command_line.h"
#include "experiments/handed_sweep.h"
#include "experiments/own_program.h"
#include "experiments/recording_flags.h"
#include "harness/core/status.h"
#include "harness/launch/slurm/queued_sweep.h"
#include "harness/launch/slurm/submit.h"
#include "harness/record/run_store.h"
#include "harness/search/recorded_scores.h"
#include "harness/search/standings.h"

namespace sft::experiments {
namespace {

namespace fs = std::filesystem;

struct SubmitFlags : SweepFlags {
  std::string profile;
  std::map<std::string, std::string> options;  // of SlurmOptions, as given
  std::vector<std::string> setup, sbatch;
  std::string only;
  int decisions = -1;  // -1: as many as a search may need
  bool dry_run = false;
  bool wait = false;
  bool allow_other_build = false;
};

// A flag whose values are kept as they are, each time that it is given.
CLI::Option* AddEach(CLI::App& app, const std::string& name,
                     std::vector<std::string>& values,
                     const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [&values](const std::string& value) { values.push_back(value); },
          help)
      ->trigger_on_parse();
}

// A flag for each field of the options; what is not given is the profile's.
void DeclareSlurmOptions(CLI::App& app, SubmitFlags& flags) {
  for (const FieldSpec& field : DescribeFields<launch::SlurmOptions>()) {
    const std::string name = field.name;
    CLI::Option* option = app.add_option_function<std::string>(
        absl::StrCat("--", absl::StrReplaceAll(name, {{"_", "-"}})),
        [&flags, name](const std::string& text) { flags.options[name] = text; },
        field.help);
    if (field.type == FieldType::kInt) {
      option->type_name("N")
          ->default_str(field.default_text)
          ->transform(WholeNumber(field.limits.min, field.limits.max));
    }
  }
  AddEach(app, "--setup", flags.setup,
          "a line of shell before the program, as 'module load cuda'; may be "
          "given again")
      ->type_name("LINE");
  AddEach(app, "--sbatch", flags.sbatch,
          "a further option of sbatch, as --sbatch=--reservation=x; may be "
          "given again")
      ->type_name("RAW");
}

void DeclareSubmit(CLI::App& app, SubmitFlags& flags) {
  DeclareSpec(app, flags);
  // Of the jobs that a search sends after itself.
  app.add_option("--decisions", flags.decisions)->group("");
  app.add_flag("--dry-run", flags.dry_run,
               "print script and commands, write and submit nothing");
  app.add_flag("--wait", flags.wait,
               "end when the tasks have left the queue; 1 if a run is missing");
  app.add_option("--only", flags.only, "send only runs of this kind")
      ->check(OneOf({"failed", "missing", "timeout"}));
  app.add_option("--profile", flags.profile,
                 "a site's defaults, as 'partition: gpu', a line an option")
      ->type_name("FILE")
      ->check(NotEmpty("a file"));
  DeclareSlurmOptions(app, flags);
  app.add_flag("--allow-other-build", flags.allow_other_build,
               "tasks may run another build of this program");
  DeclareSweep(app, flags);
}

absl::StatusOr<launch::SlurmOptions> OptionsFrom(const SubmitFlags& flags) {
  launch::SlurmOptions options;
  if (!flags.profile.empty()) {
    SFT_RETURN_IF_ERROR(launch::ReadSlurmProfile(flags.profile, options));
  }
  SFT_RETURN_IF_ERROR(ReadFields(flags.options, options));
  // The site's lines first, then the user's.
  options.setup.insert(options.setup.end(), flags.setup.begin(),
                       flags.setup.end());
  options.sbatch.insert(options.sbatch.end(), flags.sbatch.begin(),
                        flags.sbatch.end());
  return options;
}

// The same options as flags.
std::vector<std::string> OptionWords(const launch::SlurmOptions& options) {
  const std::map<std::string, std::string> defaults =
      PrintFields(launch::SlurmOptions());
  std::vector<std::string> words;
  for (const auto& [name, text] : PrintFields(options)) {
    if (text == defaults.at(name)) continue;
    words.push_back(
        absl::StrCat("--", absl::StrReplaceAll(name, {{"_", "-"}}), "=", text));
  }
  for (const std::string& line : options.setup) {
    words.push_back(absl::StrCat("--setup=", line));
  }
  for (const std::string& word : options.sbatch) {
    words.push_back(absl::StrCat("--sbatch=", word));
  }
  return words;
}

absl::StatusOr<launch::SubmitRequest> RequestFrom(const SubmitFlags& flags,
                                                  launch::SlurmOptions options,
                                                  const HandedSweep& sweep) {
  launch::SubmitRequest request;
  request.slurm = std::move(options);
  request.paths = sweep.paths;
  SFT_RETURN_IF_ERROR(
      launch::CheckSubmission(request.slurm, request.paths.out));
  SFT_RETURN_IF_ERROR(launch::CheckSetup(request.slurm.setup));
  request.digest = fs::path(sweep.manifest).stem().string();
  request.manifest =
      absl::StrCat("manifests/", fs::path(sweep.manifest).filename().string());
  request.max_attempts = flags.max_attempts;
  request.only = flags.only;
  request.places = sweep.places;
  request.filter = flags.filter;
  SFT_ASSIGN_OR_RETURN(const std::string digest, OwnDigest());
  request.task_words = sweep.task_words;
  request.task_words.push_back(absl::StrCat("--build=", digest));
  request.task_words.push_back(
      absl::StrCat("--slurm-requeues=", request.slurm.max_requeues));
  if (flags.allow_other_build) {
    request.task_words.push_back("--allow-other-build");
  }
  SFT_ASSIGN_OR_RETURN(const auto search,
                       search::Search::WithRungs(sweep.plan));
  if (!search.has_value()) return request;
  request.decisions = flags.decisions >= 0
                          ? flags.decisions
                          : search->rungs() * (flags.max_attempts + 1);
  // The same command again, of the manifest: a node may lack the spec's files.
  std::vector<std::string>& words = request.decide_words;
  SFT_ASSIGN_OR_RETURN(const std::string executable, OwnPath());
  words = {executable, "submit", sweep.manifest,
           absl::StrCat("--max-attempts=", flags.max_attempts),
           absl::StrCat("--decisions=", std::max(request.decisions - 1, 0))};
  if (!flags.filter.empty()) {
    words.push_back(absl::StrCat("--filter=", flags.filter));
  }
  if (flags.allow_other_build) words.push_back("--allow-other-build");
  launch::RecordingOptions recording = flags.recording;
  recording.paths = sweep.paths;
  for (const std::vector<std::string>& more :
       {OptionWords(request.slurm), launch::RecordingWords(recording)}) {
    words.insert(words.end(), more.begin(), more.end());
  }
  return request;
}

void SaySummary(const launch::SubmitSummary& summary) {
  for (const launch::SubmittedArray& array : summary.arrays) {
    printf("%s\t%zu tasks\n", array.job_id.c_str(), array.tasks);
  }
  const launch::RunsToSend& runs = summary.runs;
  fprintf(stderr,
          "%zu runs sent, %zu done before, %zu in the queue already, %zu "
          "failed for good (--max-attempts), %zu not asked for\n",
          runs.untuned.size() + runs.tuned_in_all(), runs.done, runs.queued,
          runs.failed, runs.others);
  if (runs.stopped + runs.waiting > 0) {
    fprintf(stderr,
            "%zu stopped by the search, %zu wait for the others of their "
            "rung\n",
            runs.stopped, runs.waiting);
  }
  if (!summary.deciding_job.empty()) {
    fprintf(stderr, "job %s sends the next rung once these have ended\n",
            summary.deciding_job.c_str());
  }
  if (summary.left_out > 0) {
    fprintf(stderr,
            "of these, %zu tasks found no room in the queue (Slurm's limit or "
            "--max-submit): type the same command again later\n",
            summary.left_out);
  }
}

absl::StatusOr<int> WaitForTasks(const HandedSweep& sweep, int max_attempts) {
  SFT_RETURN_IF_ERROR(launch::WaitForSubmitted(
      sweep.paths.out, launch::WaitTimes(),
      [](const std::string& text) { fprintf(stderr, "%s\n", text.c_str()); }));
  const record::RunStore store(sweep.paths);
  SFT_ASSIGN_OR_RETURN(
      const std::vector<search::Standing> standings,
      search::StandingsOfPlan(sweep.plan, store, max_attempts));
  for (const size_t place : sweep.places) {
    // What others beat is not missing.
    const bool is_beaten =
        !standings.empty() &&
        standings[place].verdict == search::Standing::Verdict::kStopped;
    if (!is_beaten && !store.IsFinal(sweep.plan.runs[place].run_id)) {
      return kExitRunFailed;
    }
  }
  return kExitGood;
}

absl::StatusOr<int> RunSubmit(const SubmitFlags& flags) {
  SFT_ASSIGN_OR_RETURN(launch::SlurmOptions options, OptionsFrom(flags));
  SFT_ASSIGN_OR_RETURN(const HandedSweep sweep, HandOver(flags, flags.dry_run));
  SFT_ASSIGN_OR_RETURN(const launch::SubmitRequest request,
                       RequestFrom(flags, std::move(options), sweep));
  if (flags.dry_run) {
    SFT_ASSIGN_OR_RETURN(const std::string script,
                         launch::DescribeSubmission(sweep.plan, request));
    fputs(script.c_str(), stdout);
    return kExitGood;
  }
  SFT_ASSIGN_OR_RETURN(const launch::SubmitSummary summary,
                       launch::SubmitSweep(sweep.plan, request));
  SaySummary(summary);
  fflush(stdout);
  return flags.wait ? WaitForTasks(sweep, flags.max_attempts) : kExitGood;
}

struct CancelFlags {
  std::string folder;
};

void DeclareCancel(CLI::App& app, CancelFlags& flags) {
  app.add_option("DIR", flags.folder, "the --out of a submit")->required();
}

absl::StatusOr<int> RunCancel(const CancelFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const size_t tasks,
                       launch::CancelSubmitted(flags.folder));
  fprintf(stderr, "%zu tasks cancelled\n", tasks);
  return kExitGood;
}

}  // namespace

std::vector<Command> SubmitCommands() {
  return {
      MakeCommand(
          {.name = "submit",
           .usage = "submit SPEC --out DIR [--partition P] [--time T] ...",
           .summary = "Hand a sweep to Slurm as job arrays, and end.",
           .help = R"(
Untuned runs are an array of their own; the others start once it has ended. A
task saves before its time is up and is put back; a task that is preempted,
requeued or lost goes on from its checkpoint. The same command again sends what
has no final record and is not in the queue. Of a spec with a search the runs
of a rung are sent, and a job that sends the next rung once they have ended;
where jobs may not call sbatch, type submit again for that. DIR must be where
all nodes see it.
  sftbench submit spec.yaml --out DIR --partition cpu --time 1:00:00
  sftbench status DIR
  sftbench cancel DIR
)",
           .exit_status = "0 good, 1 with --wait a run has no final record, 2 "
                          "bad usage or input, or Slurm refused"},
          DeclareSubmit, RunSubmit),
      MakeCommand({.name = "cancel",
                   .usage = "cancel DIR",
                   .summary = "Cancel the tasks of DIR that Slurm still has.",
                   .help = "Records and checkpoints stay; 'submit' goes on.\n"
                           "  sftbench cancel results/demo",
                   .exit_status = "0 good, 2 bad usage, nothing was submitted "
                                  "from DIR, or Slurm refused"},
                  DeclareCancel, RunCancel),
  };
}

}  // namespace sft::experiments
