// How a worker ends. Its exit status says it, so that any pool can tell.
#ifndef HARNESS_LAUNCH_WORKER_OUTCOME_H_
#define HARNESS_LAUNCH_WORKER_OUTCOME_H_

namespace sft::launch {

// The values are exit statuses of `sftbench worker`.
enum class WorkerOutcome {
  kPublished = 0,      // a final record stands: ok or diverged
  kFailed = 1,         // an attempt was published
  kNoMemory = 12,      // not even the record of that could be made (ENOMEM)
  kDiskFull = 28,      // nothing could be written; no attempt (ENOSPC)
  kTimedOut = 124,     // --run-limit: a checkpoint, and an attempt that says so
  kInterrupted = 130,  // a checkpoint was saved
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_WORKER_OUTCOME_H_
