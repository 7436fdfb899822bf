// Slurm's programs, started without a shell and under a time limit: a
// controller that is away answers after long. Errors are one line of theirs.
#ifndef HARNESS_LAUNCH_SLURM_SLURM_PROGRAMS_H_
#define HARNESS_LAUNCH_SLURM_SLURM_PROGRAMS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/launch/slurm/slurm_text.h"

namespace sft::launch {

// As far as they are told; defaults where nobody answers.
SlurmLimits ReadSlurmLimits();

// The job's number.
absl::StatusOr<std::string> Sbatch(const std::vector<std::string>& words);

struct SlurmQueue {
  std::map<SlurmTask, QueuedTask> tasks;  // of arrays
  size_t jobs = 0;                        // of this user, tasks one by one
};
absl::StatusOr<SlurmQueue> ReadSlurmQueue();

// Of these jobs' tasks; empty where there is no accounting.
std::map<SlurmTask, std::string> ReadSlurmAccounting(
    const std::vector<std::string>& job_ids);

absl::Status CancelSlurmJobs(const std::vector<std::string>& job_ids);

// Puts the job or the array's task that this process is in back into the queue,
// unless Slurm has done so `limit` times already or it is in none; says what
// came of it.
void RequeueThisSlurmJob(int limit);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_SLURM_PROGRAMS_H_
