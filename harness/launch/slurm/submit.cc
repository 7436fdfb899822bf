#include "harness/launch/slurm/submit.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/launch/search_sweep.h"
#include "harness/launch/shell_words.h"
#include "harness/launch/slurm/deciding_job.h"
#include "harness/launch/slurm/slurm_programs.h"
#include "harness/launch/slurm/submissions.h"
#include "harness/search/recorded_scores.h"

namespace sft::launch {
namespace {

int64_t MostThreads(const spec::RunPlan& plan, const PlannedArray& array) {
  int64_t most = 1;
  for (const std::vector<size_t>& task : array.tasks) {
    for (const size_t index : task) {
      most = std::max(most, plan.runs[index].config.threads);
    }
  }
  return most;
}

ArrayJob JobOf(const spec::RunPlan& plan, const SubmitRequest& request,
               const PlannedArray& array) {
  const SlurmFolder folder{request.paths.out};
  ArrayJob job;
  job.script = folder.Script(request.digest);
  job.count = array.tasks.size();
  job.log = folder.Logs();
  job.threads = MostThreads(plan, array);
  // What runs to its end, and untuned, is told a rung too: the script wants
  // one.
  if (!request.decide_words.empty()) job.rung = array.rung;
  return job;
}

SlurmLimits LimitsFor(const SubmitRequest& request) {
  SlurmLimits limits = ReadSlurmLimits();
  const size_t most = static_cast<size_t>(request.slurm.max_submit);
  if (most > 0 && (limits.jobs == 0 || most < limits.jobs)) limits.jobs = most;
  return limits;
}

std::string ScriptFor(const SubmitRequest& request) {
  return JobScript(request.task_words, request.slurm.setup,
                   !request.decide_words.empty());
}

// Writes one array's files, submits it and notes that.
absl::StatusOr<SubmittedArray> SendArray(const spec::RunPlan& plan,
                                         const SubmitRequest& request,
                                         const PlannedArray& array,
                                         const std::set<std::string>& after) {
  const SlurmFolder folder{request.paths.out};
  Submission submission;
  submission.manifest = request.manifest;
  submission.count = array.tasks.size();
  SFT_ASSIGN_OR_RETURN(submission.tasks, WriteTasks(folder, array.tasks));
  ArrayJob job = JobOf(plan, request, array);
  job.tasks = absl::StrCat(folder.out, "/", submission.tasks);
  job.after.assign(after.begin(), after.end());
  SFT_ASSIGN_OR_RETURN(submission.job_id,
                       Sbatch(SbatchWords(request.NamedOptions(), job)));
  SFT_RETURN_IF_ERROR(WriteSubmission(folder, submission));
  return SubmittedArray{submission.job_id, submission.count};
}

}  // namespace

absl::StatusOr<std::string> DescribeSubmission(const spec::RunPlan& plan,
                                               const SubmitRequest& request) {
  const record::RunStore store(request.paths);
  SFT_ASSIGN_OR_RETURN(
      const std::vector<search::Standing> standings,
      search::StandingsOfPlan(plan, store, request.max_attempts));
  SFT_ASSIGN_OR_RETURN(const RunsToSend runs,
                       ChooseRuns(plan, store, {}, request, standings));
  const SlurmLimits limits = LimitsFor(request);
  const bool wants_decision = WantsDecision(plan, request, standings);
  const PlannedArrays planned = CutIntoArrays(
      runs, static_cast<size_t>(request.slurm.runs_per_task), limits.array_size,
      RoomForTasks(limits.jobs == 0 ? kUnlimitedTasks : limits.jobs,
                   wants_decision));
  std::string text = ScriptFor(request);
  std::vector<std::string> sent;
  for (const PlannedArray& array : planned.arrays) {
    ArrayJob job = JobOf(plan, request, array);
    job.tasks = absl::StrCat(SlurmFolder{request.paths.out}.Path(), "/TASKS");
    if (!array.is_untuned && planned.arrays.front().is_untuned) {
      job.after = {"UNTUNED"};
    }
    absl::StrAppend(&text, "# ",
                    ShellLine(SbatchWords(request.NamedOptions(), job)), "\n");
    sent.push_back(array.is_untuned ? "UNTUNED" : "ARRAY");
  }
  if (wants_decision && !sent.empty()) {
    absl::StrAppend(&text, "# ", ShellLine(DecidingWords(request, sent)),
                    "\n# which executes: ", ShellLine(request.decide_words),
                    "\n");
  }
  if (sent.empty() && planned.left_out == 0) {
    absl::StrAppend(&text, "# nothing is to be sent: ", runs.done, " done, ",
                    runs.failed, " failed for good, ", runs.others,
                    " not asked for\n");
  }
  if (planned.left_out > 0) {
    absl::StrAppend(&text, "# ", planned.left_out,
                    " tasks find no room in the queue\n");
  }
  return text;
}

absl::StatusOr<SubmitSummary> SubmitSweep(const spec::RunPlan& plan,
                                          const SubmitRequest& request) {
  const SlurmFolder folder{request.paths.out};
  const record::RunStore store(request.paths);
  SFT_ASSIGN_OR_RETURN(const SlurmQueue queue, ReadSlurmQueue());
  SFT_ASSIGN_OR_RETURN(const std::vector<QueuedRun> in_queue,
                       QueuedRunsOf(folder, queue));
  SFT_ASSIGN_OR_RETURN(
      std::set<std::string> deciding,
      QueuedDecidingJobs(folder, queue, request.manifest, request.filter));
  // The job that is at work now is none of those that will decide.
  if (const char* own = getenv("SLURM_ARRAY_JOB_ID"); own != nullptr) {
    deciding.erase(own);
  }
  RunsInSlurm in_slurm;
  std::set<std::string> untuned_jobs, jobs;
  for (const QueuedRun& one : in_queue) {
    in_slurm.queued.insert(one.run.run_id);
    jobs.insert(one.run.task.first);
    if (one.run.is_untuned) untuned_jobs.insert(one.run.task.first);
  }
  if (!request.only.empty()) {
    SFT_ASSIGN_OR_RETURN(const std::vector<RunInSlurm> open,
                         ReadSlurmStates(folder.out));
    for (const RunInSlurm& run : open) {
      if (run.timed_out) in_slurm.timed_out.insert(run.run_id);
    }
  }
  SFT_ASSIGN_OR_RETURN(
      const std::vector<search::Standing> standings,
      search::StandingsOfPlan(plan, store, request.max_attempts));
  DropStopped(plan, standings, store);
  SubmitSummary summary;
  SFT_ASSIGN_OR_RETURN(summary.runs,
                       ChooseRuns(plan, store, in_slurm, request, standings));
  const bool wants_decision =
      deciding.empty() && WantsDecision(plan, request, standings);
  const SlurmLimits limits = LimitsFor(request);
  const size_t room = limits.jobs == 0           ? kUnlimitedTasks
                      : limits.jobs > queue.jobs ? limits.jobs - queue.jobs
                                                 : 0;
  const PlannedArrays planned = CutIntoArrays(
      summary.runs, static_cast<size_t>(request.slurm.runs_per_task),
      limits.array_size, RoomForTasks(room, wants_decision));
  summary.left_out = planned.left_out;
  // sbatch keeps a copy of it: one that is written anew changes no job's.
  SFT_RETURN_IF_ERROR(MakeFolders(folder.Logs()));
  SFT_RETURN_IF_ERROR(
      WriteFileAtomically(folder.Script(request.digest), ScriptFor(request)));
  for (const PlannedArray& array : planned.arrays) {
    absl::StatusOr<SubmittedArray> sent =
        SendArray(plan, request, array,
                  array.is_untuned ? std::set<std::string>() : untuned_jobs);
    if (!sent.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          ToStd(sent.status().message()), " (", summary.arrays.size(), " of ",
          planned.arrays.size(),
          " arrays were submitted before; the same command sends the rest)"));
    }
    if (array.is_untuned) untuned_jobs.insert(sent->job_id);
    jobs.insert(sent->job_id);
    summary.arrays.push_back(*std::move(sent));
  }
  if (wants_decision && !jobs.empty()) {
    SFT_ASSIGN_OR_RETURN(summary.deciding_job, SendDecidingJob(request, jobs));
  }
  return summary;
}

}  // namespace sft::launch
