#include "harness/launch/slurm/submissions.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "harness/core/digest.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/record/manifest_store.h"
#include "harness/record/run_store.h"

namespace sft::launch {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<Submission> SubmissionFrom(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const nlohmann::json json,
                       formats::ReadJsonDocument(path));
  Submission submission;
  try {
    json.at("job_id").get_to(submission.job_id);
    json.at("manifest").get_to(submission.manifest);
    json.at("tasks").get_to(submission.tasks);
    json.at("count").get_to(submission.count);
    submission.filter = json.value("filter", "");
  } catch (const nlohmann::json::exception& error) {
    return InputError(path, absl::StrCat("is no submission: ", error.what()));
  }
  // Words of scancel and sacct.
  if (submission.job_id.empty() ||
      submission.job_id.find_first_not_of("0123456789") != std::string::npos) {
    return InputError(path, absl::StrCat("job_id = '", submission.job_id,
                                         "': wanted a number"));
  }
  return submission;
}

std::string NameOf(const SlurmTask& task) {
  return absl::StrCat(task.first, "_", task.second);
}

}  // namespace

absl::StatusOr<std::string> WriteTasks(const SlurmFolder& folder,
                                       const TaskPlaces& tasks) {
  const std::string text = TaskLines(tasks);
  const std::string name =
      absl::StrCat("slurm/", Sha256Hex(text).substr(0, 12), ".tasks");
  const std::string path = absl::StrCat(folder.out, "/", name);
  if (!FileExists(path)) SFT_RETURN_IF_ERROR(WriteFileAtomically(path, text));
  return name;
}

absl::Status WriteSubmission(const SlurmFolder& folder,
                             const Submission& submission) {
  // A controller that lost its state gives out numbers again.
  const std::string time =
      absl::FormatTime("%Y%m%dT%H%M%E6S", absl::Now(), absl::UTCTimeZone());
  const nlohmann::json json = {
      {"job_id", submission.job_id}, {"manifest", submission.manifest},
      {"tasks", submission.tasks},   {"count", submission.count},
      {"filter", submission.filter}, {"submitted", time}};
  return WriteFileAtomically(
      absl::StrCat(folder.Path(), "/", time, "-", submission.job_id, ".json"),
      json.dump(1) + "\n");
}

absl::StatusOr<std::vector<Submission>> ReadSubmissions(
    const SlurmFolder& folder) {
  std::vector<std::string> paths;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder.Path(), none)) {
    if (entry.path().extension() == ".json") {
      paths.push_back(entry.path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Submission> submissions;
  for (const std::string& path : paths) {
    SFT_ASSIGN_OR_RETURN(Submission submission, SubmissionFrom(path));
    submissions.push_back(std::move(submission));
  }
  return submissions;
}

absl::StatusOr<std::vector<SubmittedRun>> RunsOf(const SlurmFolder& folder,
                                                 const Submission& submission) {
  if (submission.tasks.empty()) return std::vector<SubmittedRun>();
  const std::string path = absl::StrCat(folder.out, "/", submission.tasks);
  SFT_ASSIGN_OR_RETURN(const TaskPlaces tasks, ReadTaskLines(path));
  if (tasks.size() < submission.count) {
    return InputError(path, absl::StrCat("has ", tasks.size(), " tasks; job ",
                                         submission.job_id, " has more"));
  }
  SFT_ASSIGN_OR_RETURN(const record::ManifestFile manifest,
                       record::ManifestFile::Open(
                           absl::StrCat(folder.out, "/", submission.manifest),
                           /*later=*/{}));
  std::vector<SubmittedRun> runs;
  for (size_t i = 0; i < submission.count; ++i) {
    for (const size_t place : tasks[i]) {
      SFT_ASSIGN_OR_RETURN(const spec::PlannedRun run, manifest->Run(place));
      runs.push_back(
          {run.run_id, spec::IsUntuned(run), {submission.job_id, i}});
    }
  }
  return runs;
}

absl::StatusOr<std::vector<SlurmTask>> QueuedTasksOf(const SlurmFolder& folder,
                                                     const SlurmQueue& queue) {
  SFT_ASSIGN_OR_RETURN(const std::vector<Submission> submissions,
                       ReadSubmissions(folder));
  std::map<std::string, size_t> counts;  // of each job's tasks
  for (const Submission& submission : submissions) {
    counts[submission.job_id] = submission.count;
  }
  std::vector<SlurmTask> tasks;
  for (const auto& [task, queued] : queue.tasks) {
    const auto job = counts.find(task.first);
    if (job != counts.end() && task.second < job->second) {
      tasks.push_back(task);
    }
  }
  return tasks;
}

absl::StatusOr<std::vector<QueuedRun>> QueuedRunsOf(const SlurmFolder& folder,
                                                    const SlurmQueue& queue) {
  std::set<std::string> jobs;
  for (const auto& [task, queued] : queue.tasks) jobs.insert(task.first);
  SFT_ASSIGN_OR_RETURN(const std::vector<Submission> submissions,
                       ReadSubmissions(folder));
  std::vector<QueuedRun> runs;
  for (const Submission& submission : submissions) {
    if (jobs.count(submission.job_id) == 0) continue;
    SFT_ASSIGN_OR_RETURN(std::vector<SubmittedRun> of_job,
                         RunsOf(folder, submission));
    for (SubmittedRun& run : of_job) {
      const auto it = queue.tasks.find(run.task);
      if (it != queue.tasks.end()) runs.push_back({std::move(run), it->second});
    }
  }
  return runs;
}

absl::StatusOr<std::set<std::string>> QueuedDecidingJobs(
    const SlurmFolder& folder, const SlurmQueue& queue,
    const std::string& manifest, const std::string& filter) {
  SFT_ASSIGN_OR_RETURN(const std::vector<Submission> submissions,
                       ReadSubmissions(folder));
  std::set<std::string> jobs;
  for (const Submission& submission : submissions) {
    if (submission.tasks.empty() && submission.manifest == manifest &&
        submission.filter == filter &&
        queue.tasks.count({submission.job_id, 0}) != 0) {
      jobs.insert(submission.job_id);
    }
  }
  return jobs;
}

absl::StatusOr<std::vector<RunInSlurm>> ReadSlurmStates(
    const std::string& dir) {
  const SlurmFolder folder{dir};
  const record::RunStore store(record::RunPaths{dir});
  SFT_ASSIGN_OR_RETURN(const std::vector<Submission> submissions,
                       ReadSubmissions(folder));
  std::vector<RunInSlurm> states;
  if (submissions.empty()) return states;
  std::map<std::string, SubmittedRun> open;  // the last submission of each
  std::vector<std::string> order;
  for (const Submission& submission : submissions) {
    SFT_ASSIGN_OR_RETURN(const std::vector<SubmittedRun> runs,
                         RunsOf(folder, submission));
    for (const SubmittedRun& run : runs) {
      if (FileExists(store.paths().Record(run.run_id))) continue;
      if (open.count(run.run_id) == 0) order.push_back(run.run_id);
      open[run.run_id] = run;
    }
  }
  if (open.empty()) return states;  // nobody need be asked
  SFT_ASSIGN_OR_RETURN(const SlurmQueue queue, ReadSlurmQueue());
  std::set<std::string> gone;  // jobs with tasks that left the queue
  for (const std::string& run_id : order) {
    const SlurmTask& task = open[run_id].task;
    if (queue.tasks.count(task) == 0) gone.insert(task.first);
  }
  const std::map<SlurmTask, std::string> accounted =
      ReadSlurmAccounting({gone.begin(), gone.end()});
  for (const std::string& run_id : order) {
    const SlurmTask& task = open[run_id].task;
    const auto queued = queue.tasks.find(task);
    const auto ended = accounted.find(task);
    std::string state = "left the queue";
    bool timed_out = false;
    if (queued != queue.tasks.end()) {
      state =
          absl::StrCat(queued->second.state, " (", queued->second.reason, ")");
    } else if (ended != accounted.end()) {
      state = ended->second;
      timed_out = state == "TIMEOUT";
    }
    states.push_back(
        {run_id, absl::StrCat(NameOf(task), " ", state), timed_out});
  }
  return states;
}

}  // namespace sft::launch
