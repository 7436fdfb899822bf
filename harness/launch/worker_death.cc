#include "harness/launch/worker_death.h"

#include <signal.h>

#include <cstring>
#include <string>

#include "harness/core/status.h"

namespace sft::launch {
namespace {

// The kernel's killer of large processes and a person send the same signal; the
// control group's count of the former tells them apart.
std::string WhoKilled(const EndedRun& ended) {
  if (ended.signal != SIGKILL) return "";
  if (!ended.for_memory.has_value()) {
    return ": by a person or for want of memory, which this system does not "
           "tell";
  }
  return *ended.for_memory ? ": memory ran out"
                           : ": by a person or a batch system, not for memory";
}

}  // namespace

record::RunRecord RecordOfDeath(const spec::PlannedRun& run,
                                const EndedRun& ended) {
  record::RunRecord record;
  record.run_id = run.run_id;
  record.config = run.config;
  record.axes = run.axes;
  record.status = RunStatus::kFailed;
  if (ended.signal != 0) {
    record.status_message =
        absl::StrCat("killed by signal ", ended.signal, " (",
                     strsignal(ended.signal), ")", WhoKilled(ended));
    if (ended.signal == SIGKILL && ended.for_memory.value_or(false)) {
      record.status = RunStatus::kOutOfMemory;
    }
  } else if (ended.outcome == WorkerOutcome::kNoMemory) {
    record.status = RunStatus::kOutOfMemory;
    record.status_message = "no memory was left to allocate";
  } else {
    record.status_message =
        absl::StrCat("ended with exit status ", ended.exit_status);
  }
  return record;
}

RunStatus StatusOfError(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
      return RunStatus::kOutOfMemory;
    case absl::StatusCode::kOutOfRange:  // scores that are no numbers
      return RunStatus::kDiverged;
    default:
      return RunStatus::kFailed;
  }
}

}  // namespace sft::launch
