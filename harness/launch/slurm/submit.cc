#include "harness/launch/slurm/submit.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "harness/core/files.h"
#include "harness/core/parallel_for.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/launch/search_sweep.h"
#include "harness/launch/shell_words.h"
#include "harness/launch/slurm/slurm_programs.h"
#include "harness/launch/slurm/submissions.h"
#include "harness/search/recorded_scores.h"

namespace sft::launch {
namespace {

// Why a run without a final record is to be sent.
std::string KindOf(const record::RunStore& store, const RunsInSlurm& in_slurm,
                   const std::string& run_id, int attempts) {
  if (in_slurm.timed_out.count(run_id) != 0) return "timeout";
  if (attempts == 0) return "missing";
  const auto last = store.ReadLastAttempt(run_id);
  return last.ok() && last->status == RunStatus::kTimeout ? "timeout"
                                                          : "failed";
}

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

SlurmOptions OptionsOf(const SubmitRequest& request) {
  SlurmOptions options = request.slurm;
  if (options.job_name.empty()) {
    options.job_name = absl::StrCat("sftbench-", request.digest);
  }
  return options;
}

// It reads records and calls sbatch: what a training run needs would keep it
// waiting, and a card idle.
SlurmOptions OptionsOfDecidingJob(const SubmitRequest& request) {
  SlurmOptions options = OptionsOf(request);
  options.gpus.clear();
  options.gres.clear();
  options.nodelist.clear();
  options.cpus_per_task = 1;
  return options;
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

// An array of one task, so that it is found and cancelled as others are.
ArrayJob DecidingJob(const SubmitRequest& request,
                     std::vector<std::string> after) {
  const SlurmFolder folder{request.paths.out};
  ArrayJob job;
  job.script = folder.DecideScript(request.digest);
  job.count = 1;
  job.log = folder.Logs();
  job.after = std::move(after);
  return job;
}

// None of a plan whose runs all go to their end.
absl::StatusOr<std::vector<search::Standing>> StandingsFor(
    const spec::RunPlan& plan, const record::RunStore& store,
    const SubmitRequest& request) {
  SFT_ASSIGN_OR_RETURN(const std::optional<search::Search> search,
                       search::Search::WithRungs(plan));
  if (!search.has_value()) return std::vector<search::Standing>();
  search::RecordedScores scores(plan, store, search->rungs(),
                                request.max_attempts);
  return search::RecordedStandings(*search, scores);
}

bool IsAnyOnItsWay(const spec::RunPlan& plan,
                   const std::vector<search::Standing>& standings) {
  const auto search = search::Search::WithRungs(plan);
  const int last = search.ok() && *search ? (*search)->rungs() : 0;
  return std::any_of(
      standings.begin(), standings.end(), [last](const search::Standing& one) {
        return one.verdict == search::Standing::Verdict::kGoesTo &&
               one.rung < last;
      });
}

// While anything is on its way to a rung that is not the last.
bool WantsDecision(const spec::RunPlan& plan, const SubmitRequest& request,
                   const std::vector<search::Standing>& standings) {
  return !request.decide_words.empty() && request.decisions > 0 &&
         IsAnyOnItsWay(plan, standings);
}

// Tasks that may still be sent, of `room` places: arrays that took all of them
// would leave none for the job that decides.
size_t RoomForTasks(size_t room, bool wants_decision) {
  return wants_decision && room != kUnlimitedTasks && room > 1 ? room - 1
                                                               : room;
}

// Submits the job that sends the next rung, once `after` have ended; the job
// that is at work now is none of those that will.
absl::StatusOr<std::string> SendDecidingJob(
    const SubmitRequest& request, const std::set<std::string>& after) {
  const SlurmFolder folder{request.paths.out};
  SFT_RETURN_IF_ERROR(WriteFileAtomically(
      folder.DecideScript(request.digest),
      PlainScript(request.decide_words, request.slurm.setup)));
  Submission submission;
  submission.manifest = request.manifest;
  submission.filter = request.filter;
  submission.count = 1;
  SFT_ASSIGN_OR_RETURN(
      submission.job_id,
      Sbatch(SbatchWords(OptionsOfDecidingJob(request),
                         DecidingJob(request, {after.begin(), after.end()}))));
  SFT_RETURN_IF_ERROR(WriteSubmission(folder, submission));
  return submission.job_id;
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
                       Sbatch(SbatchWords(OptionsOf(request), job)));
  SFT_RETURN_IF_ERROR(WriteSubmission(folder, submission));
  return SubmittedArray{submission.job_id, submission.count};
}

}  // namespace

absl::StatusOr<RunsToSend> ChooseRuns(
    const spec::RunPlan& plan, const record::RunStore& store,
    const RunsInSlurm& in_slurm, const SubmitRequest& request,
    const std::vector<search::Standing>& standings) {
  using Verdict = search::Standing::Verdict;
  const std::vector<size_t>& places = request.places;
  std::vector<absl::StatusOr<bool>> stands(places.size(), false);
  ParallelFor(places.size(), [&](size_t i) {
    stands[i] = store.HasSealedFinal(plan.runs[places[i]].run_id);
  });
  RunsToSend runs;
  runs.others = plan.runs.size() - places.size();
  for (size_t i = 0; i < places.size(); ++i) {
    const spec::PlannedRun& run = plan.runs[places[i]];
    SFT_ASSIGN_OR_RETURN(const bool is_done, stands[i]);
    const search::Standing standing =
        standings.empty() ? search::Standing() : standings[places[i]];
    if (standing.verdict == Verdict::kStopped) {
      ++runs.stopped;
      continue;
    }
    if (standing.verdict == Verdict::kWaits) {
      ++runs.waiting;
      continue;
    }
    if (is_done && standing.verdict != Verdict::kGoesTo) {
      ++runs.done;
      continue;
    }
    if (in_slurm.queued.count(run.run_id) != 0) {
      ++runs.queued;
      continue;
    }
    const int attempts = store.CountAttempts(run.run_id);
    // A try that ran out of time speaks against no run.
    if (store.CountFailures(run.run_id) >= request.max_attempts) {
      ++runs.failed;
    } else if (!request.only.empty() &&
               KindOf(store, in_slurm, run.run_id, attempts) != request.only) {
      ++runs.others;
    } else if (standing.verdict == Verdict::kGoesTo) {
      runs.rungs[standing.rung].push_back(places[i]);
    } else {
      (spec::IsUntuned(run) ? runs.untuned : runs.tuned).push_back(places[i]);
    }
  }
  return runs;
}

size_t RunsToSend::tuned_in_all() const {
  size_t n = tuned.size();
  for (const auto& [rung, places] : rungs) n += places.size();
  return n;
}

PlannedArrays CutIntoArrays(const RunsToSend& runs, size_t runs_per_task,
                            size_t array_size, size_t room) {
  PlannedArrays planned;
  const auto add = [&](const std::vector<size_t>& places, size_t a_task,
                       bool is_untuned, int rung = 0) {
    for (size_t at = 0; at < places.size(); at += a_task) {
      if (room == 0) {
        ++planned.left_out;
        continue;
      }
      --room;
      if (planned.arrays.empty() ||
          planned.arrays.back().is_untuned != is_untuned ||
          planned.arrays.back().rung != rung ||
          planned.arrays.back().tasks.size() >= array_size) {
        planned.arrays.push_back({{}, is_untuned, rung});
      }
      const size_t end = std::min(at + a_task, places.size());
      planned.arrays.back().tasks.emplace_back(
          places.begin() + static_cast<int64_t>(at),
          places.begin() + static_cast<int64_t>(end));
    }
  };
  // Others wait for an untuned run: none stands behind another in a task.
  add(runs.untuned, 1, true);
  const size_t a_task = std::max<size_t>(runs_per_task, 1);
  add(runs.tuned, a_task, false);
  for (const auto& [rung, places] : runs.rungs) {
    add(places, a_task, false, rung);
  }
  return planned;
}

absl::StatusOr<std::string> DescribeSubmission(const spec::RunPlan& plan,
                                               const SubmitRequest& request) {
  const record::RunStore store(request.paths);
  SFT_ASSIGN_OR_RETURN(const std::vector<search::Standing> standings,
                       StandingsFor(plan, store, request));
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
                    ShellLine(SbatchWords(OptionsOf(request), job)), "\n");
    sent.push_back(array.is_untuned ? "UNTUNED" : "ARRAY");
  }
  if (wants_decision && !sent.empty()) {
    absl::StrAppend(&text, "# ",
                    ShellLine(SbatchWords(OptionsOfDecidingJob(request),
                                          DecidingJob(request, sent))),
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
  SFT_ASSIGN_OR_RETURN(const std::vector<search::Standing> standings,
                       StandingsFor(plan, store, request));
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

absl::StatusOr<size_t> CancelSubmitted(const std::string& dir) {
  const SlurmFolder folder{dir};
  SFT_ASSIGN_OR_RETURN(const std::vector<Submission> submissions,
                       ReadSubmissions(folder));
  if (submissions.empty()) {
    return InputError(dir,
                      "nothing was submitted from here; wanted the --out of an "
                      "earlier 'sftbench submit'");
  }
  SFT_ASSIGN_OR_RETURN(const SlurmQueue queue, ReadSlurmQueue());
  SFT_ASSIGN_OR_RETURN(const std::vector<SlurmTask> tasks,
                       QueuedTasksOf(folder, queue));
  std::set<std::string> jobs;
  for (const SlurmTask& task : tasks) jobs.insert(task.first);
  if (jobs.empty()) return size_t{0};
  SFT_RETURN_IF_ERROR(CancelSlurmJobs({jobs.begin(), jobs.end()}));
  return tasks.size();
}

absl::Status WaitForSubmitted(const std::string& dir, const WaitTimes& times,
                              const std::function<void(std::string)>& say) {
  std::optional<Stopwatch> since_answer;  // that was the last one
  while (true) {
    absl::StatusOr<SlurmQueue> queue = ReadSlurmQueue();
    if (queue.ok()) {
      if (since_answer) say("Slurm answers again");
      since_answer.reset();
      SFT_ASSIGN_OR_RETURN(const std::vector<SlurmTask> tasks,
                           QueuedTasksOf(SlurmFolder{dir}, *queue));
      if (tasks.empty()) return absl::OkStatus();
    } else if (!since_answer) {
      say(absl::StrCat(ToStd(queue.status().message()),
                       "; asking again for up to ",
                       absl::FormatDuration(times.patience)));
      since_answer.emplace();
    } else if (since_answer->Wall() > times.patience) {
      return queue.status();
    }
    absl::SleepFor(times.between);
  }
}

}  // namespace sft::launch
