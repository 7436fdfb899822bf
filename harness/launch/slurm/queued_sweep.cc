#include "harness/launch/slurm/queued_sweep.h"

#include <optional>
#include <set>
#include <vector>

#include "absl/time/clock.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/launch/slurm/slurm_programs.h"
#include "harness/launch/slurm/submissions.h"

namespace sft::launch {

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
