// What Slurm's programs print, in the text forms that hold from release to
// release.
#ifndef HARNESS_LAUNCH_SLURM_SLURM_TEXT_H_
#define HARNESS_LAUNCH_SLURM_SLURM_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace sft::launch {

struct SlurmLimits {
  size_t array_size = 1001;  // Slurm's own default; largest index + 1
  size_t jobs = 0;           // that may be submitted in all, 0 = not said
};
// Of `scontrol show config`; what is absent keeps its default.
SlurmLimits ParseSlurmConfig(std::string_view text);
// The smallest number of `sacctmgr -nP show assoc format=maxsubmitjobs`; 0
// where there is none.
size_t ParseMaxSubmitJobs(std::string_view text);

// A time limit as sbatch takes it: minutes, minutes:seconds,
// hours:minutes:seconds, days-hours, days-hours:minutes,
// days-hours:minutes:seconds; nullopt for what is none of these, and for no
// limit.
std::optional<absl::Duration> ParseSlurmTime(std::string_view text);

// Of `sbatch --parsable`: "123" or "123;cluster", warnings before it; "" where
// there is none.
std::string ParseJobId(std::string_view text);

// What this process is called to `scontrol`: "7_3", or "7" where it is in no
// array; "" in no job. `variable` is getenv.
std::string ThisSlurmJob(
    const std::function<const char*(const char*)>& variable);

// A task of an array, by the array's job and its number in it.
using SlurmTask = std::pair<std::string, size_t>;

struct QueuedTask {
  std::string state;   // "PENDING"
  std::string reason;  // "Resources", a node
};
// What `squeue` is asked for, and how its lines are read. Lines that are no
// array's are passed over.
inline constexpr char kSqueueFormat[] = "%F|%K|%T|%r";
std::map<SlurmTask, QueuedTask> ParseQueue(std::string_view text);
// All lines, jobs that are no arrays too.
size_t CountLines(std::string_view text);

// Of `sacct -X -n -P -o jobid,state,exitcode`: "123_4|TIMEOUT|0:0".
std::map<SlurmTask, std::string> ParseAccounting(std::string_view text);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_SLURM_TEXT_H_
