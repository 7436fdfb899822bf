// submit, cancel: a sweep as job arrays of Slurm.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "experiments/command_line.h"
#include "experiments/own_program.h"
#include "experiments/planned_sweep.h"
#include "experiments/recording_flags.h"
#include "harness/core/status.h"
#include "harness/launch/launcher.h"
#include "harness/launch/slurm/submit.h"
#include "harness/record/manifest_store.h"
#include "harness/search/recorded_scores.h"
#include "harness/search/standings.h"

namespace sft::experiments {
namespace {

namespace fs = std::filesystem;

struct SubmitFlags {
  std::string spec;
  std::string profile;
  std::map<std::string, std::string> options;  // of SlurmOptions, as given
  std::vector<std::string> setup, sbatch;
  int max_attempts = launch::LaunchOptions().max_attempts;
  std::string only;
  int decisions = -1;  // -1: as many as a search may need
  bool dry_run = false;
  bool wait = false;
  bool allow_other_build = false;
  RecordingFlags recording;
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
          "a further word for sbatch, as --sbatch=--reservation=x; may be "
          "given again")
      ->type_name("RAW");
}

void DeclareSubmit(CLI::App& app, SubmitFlags& flags) {
  app.add_option("SPEC", flags.spec,
                 "a YAML file, the question; or a manifest of DIR")
      ->required();
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
      ->type_name("FILE");
  DeclareSlurmOptions(app, flags);
  app.add_option("--max-attempts", flags.max_attempts,
                 "tries of a run that fails")
      ->transform(WholeNumber(1, 1024));
  app.add_flag("--allow-other-build", flags.allow_other_build,
               "tasks may run another build of this program");
  DeclareRecording(app, flags.recording);
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
                                                  const spec::RunPlan& plan) {
  launch::SubmitRequest request;
  SFT_ASSIGN_OR_RETURN(request.slurm, OptionsFrom(flags));
  RecordingFlags recording = flags.recording;
  recording.out = fs::absolute(recording.out).lexically_normal().string();
  request.paths.out = recording.out;
  SFT_ASSIGN_OR_RETURN(const std::string manifest,
                       flags.dry_run
                           ? record::ManifestPath(request.paths, plan)
                           : record::WriteManifest(request.paths, plan));
  request.digest = fs::path(manifest).stem().string();
  request.manifest =
      absl::StrCat("manifests/", fs::path(manifest).filename().string());
  request.max_attempts = flags.max_attempts;
  request.only = flags.only;
  SFT_ASSIGN_OR_RETURN(const std::string executable, OwnPath());
  SFT_ASSIGN_OR_RETURN(const std::string digest, OwnDigest());
  request.task_words = {
      executable,
      "task",
      manifest,
      absl::StrCat("--build=", digest),
      absl::StrCat("--max-attempts=", flags.max_attempts),
      absl::StrCat("--slurm-requeues=", request.slurm.max_requeues)};
  if (flags.allow_other_build) {
    request.task_words.push_back("--allow-other-build");
  }
  const std::vector<std::string> recording_words = RecordingWords(recording);
  request.task_words.insert(request.task_words.end(), recording_words.begin(),
                            recording_words.end());
  SFT_ASSIGN_OR_RETURN(const auto search, search::Search::WithRungs(plan));
  if (!search.has_value()) return request;
  request.decisions = flags.decisions >= 0
                          ? flags.decisions
                          : search->rungs() * (flags.max_attempts + 1);
  request.decide_words = {executable, "submit", manifest};
  for (std::string& word : OptionWords(request.slurm)) {
    request.decide_words.push_back(std::move(word));
  }
  request.decide_words.push_back(
      absl::StrCat("--max-attempts=", flags.max_attempts));
  request.decide_words.push_back(
      absl::StrCat("--decisions=", std::max(request.decisions - 1, 0)));
  if (flags.allow_other_build) {
    request.decide_words.push_back("--allow-other-build");
  }
  request.decide_words.insert(request.decide_words.end(),
                              recording_words.begin(), recording_words.end());
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

absl::StatusOr<int> WaitForTasks(const std::string& out,
                                 const spec::RunPlan& plan, int max_attempts) {
  const record::RunStore store(record::RunPaths{out});
  while (true) {
    SFT_ASSIGN_OR_RETURN(const size_t tasks, launch::CountSubmitted(out));
    if (tasks == 0) break;
    absl::SleepFor(absl::Seconds(5));
  }
  using Verdict = search::Standing::Verdict;
  std::vector<search::Standing> standings(plan.runs.size());
  SFT_ASSIGN_OR_RETURN(const auto search, search::Search::WithRungs(plan));
  if (search.has_value()) {
    search::RecordedScores scores(plan, store, search->rungs(), max_attempts);
    SFT_ASSIGN_OR_RETURN(standings, search::RecordedStandings(*search, scores));
  }
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    // What others beat is not missing.
    if (standings[i].verdict != Verdict::kStopped &&
        !store.IsFinal(plan.runs[i].run_id)) {
      return kExitRunFailed;
    }
  }
  return kExitGood;
}

bool IsManifestFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string beginning(64, '\0');
  file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  return spec::IsManifest(beginning);
}

absl::StatusOr<int> RunSubmit(const SubmitFlags& flags) {
  launch::CheckedPlan checked;
  if (IsManifestFile(flags.spec)) {
    // It was checked when it was written, and a node may lack what that takes.
    SFT_ASSIGN_OR_RETURN(const record::ManifestFile manifest,
                         record::ManifestFile::Open(flags.spec));
    SFT_ASSIGN_OR_RETURN(checked.plan, manifest->Plan());
  } else {
    SFT_ASSIGN_OR_RETURN(checked, PlanOfSpec(flags.spec));
    SayPlan(checked);
  }
  SFT_ASSIGN_OR_RETURN(const launch::SubmitRequest request,
                       RequestFrom(flags, checked.plan));
  if (flags.dry_run) {
    fputs(launch::DescribeSubmission(checked.plan, request).c_str(), stdout);
    return kExitGood;
  }
  SFT_ASSIGN_OR_RETURN(const launch::SubmitSummary summary,
                       launch::SubmitSweep(checked.plan, request));
  SaySummary(summary);
  fflush(stdout);
  if (flags.wait)
    return WaitForTasks(request.paths.out, checked.plan, flags.max_attempts);
  return kExitGood;
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
where jobs may not call sbatch, type submit again for that. DIR must be where all nodes see it.
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
                           "  sftbench cancel results/demo"},
                  DeclareCancel, RunCancel),
  };
}

}  // namespace sft::experiments
