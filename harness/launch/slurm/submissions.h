// What of a sweep was handed to Slurm: DIR/slurm/*.json, one file an array, and
// the files of tasks that they name. None is ever changed.
#ifndef HARNESS_LAUNCH_SLURM_SUBMISSIONS_H_
#define HARNESS_LAUNCH_SLURM_SUBMISSIONS_H_

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/launch/slurm/slurm_programs.h"
#include "harness/launch/slurm/slurm_text.h"
#include "harness/launch/task_lines.h"

namespace sft::launch {

struct SlurmFolder {
  std::string out;  // the sweep's folder
  std::string Path() const { return out + "/slurm"; }
  std::string Logs() const { return out + "/slurm/logs"; }
  std::string DecideScript(const std::string& digest) const {
    return out + "/slurm/" + digest + ".decide.sh";
  }
  std::string Script(const std::string& digest) const {
    return out + "/slurm/" + digest + ".sh";
  }
};

struct Submission {
  std::string job_id;
  std::string manifest;  // path below DIR
  // Likewise; "" of a job that executes no run: one that decides on a search's
  // next rung.
  std::string tasks;
  size_t count = 0;    // tasks
  std::string filter;  // of a job that decides: what of the plan it sends
};

// Named by its contents. Returns its path below DIR.
absl::StatusOr<std::string> WriteTasks(const SlurmFolder& folder,
                                       const TaskPlaces& tasks);

absl::Status WriteSubmission(const SlurmFolder& folder,
                             const Submission& submission);
// The oldest first; none where nothing was submitted.
absl::StatusOr<std::vector<Submission>> ReadSubmissions(
    const SlurmFolder& folder);

// Those of this folder that are in the queue now. Reads no manifest.
absl::StatusOr<std::vector<SlurmTask>> QueuedTasksOf(const SlurmFolder& folder,
                                                     const SlurmQueue& queue);

struct SubmittedRun {
  std::string run_id;
  bool is_untuned = false;
  SlurmTask task;
};
absl::StatusOr<std::vector<SubmittedRun>> RunsOf(const SlurmFolder& folder,
                                                 const Submission& submission);

// The runs whose tasks are in the queue now.
struct QueuedRun {
  SubmittedRun run;
  QueuedTask queued;
};
absl::StatusOr<std::vector<QueuedRun>> QueuedRunsOf(const SlurmFolder& folder,
                                                    const SlurmQueue& queue);

// Jobs in the queue that decide on the next rung of this plan's search, of what
// of it the filter chose. Another plan of the folder, or another part of this
// one, has its own.
absl::StatusOr<std::set<std::string>> QueuedDecidingJobs(
    const SlurmFolder& folder, const SlurmQueue& queue,
    const std::string& manifest, const std::string& filter);

// A run that has no final record, as Slurm sees it: "123_4 PENDING
// (Resources)", or, once it has left the queue, what accounting says of it.
struct RunInSlurm {
  std::string run_id;
  std::string state;
  bool timed_out = false;  // its last task's time limit ended it
};
absl::StatusOr<std::vector<RunInSlurm>> ReadSlurmStates(const std::string& dir);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_SUBMISSIONS_H_
