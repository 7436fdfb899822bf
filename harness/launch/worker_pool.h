// Where runs are executed: what a sweep asks of a pool of workers. A pool is
// one unit and one row of WorkerPools().
#ifndef HARNESS_LAUNCH_WORKER_POOL_H_
#define HARNESS_LAUNCH_WORKER_POOL_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/launch/progress.h"
#include "harness/launch/recording_options.h"
#include "harness/launch/worker_outcome.h"

namespace sft::launch {

// What a pool needs to start `sftbench worker`.
struct PoolOptions : RecordingOptions {
  std::string executable;  // this program
  std::string manifest;    // of the plan, written
  // Where in it a run stands, by its id.
  std::map<std::string, size_t> manifest_index;
  int jobs = 1;  // runs at a time
  // Tuned runs go to the end of this rung of the plan's search; 0: to their
  // own.
  int rung = 0;
  // One of them a run, by CUDA_VISIBLE_DEVICES; empty = all see all.
  std::vector<std::string> cards;
  // Runs that are executed though another process is at them, and the first
  // record stands: where it is not to be known whether that one still lives.
  std::set<std::string> shared_runs;
};

// A worker that is gone.
struct EndedRun {
  std::string run_id;
  std::optional<WorkerOutcome> outcome;  // none: it died
  int exit_status = 0;                   // where no signal ended it
  int signal = 0;                        // that killed it, 0 = none
  // Whether the kernel killed for want of memory when it died; nullopt where
  // the system does not tell.
  std::optional<bool> for_memory;
  std::string disk;  // what it needs of a full disk, and where; else ""
  double wall_seconds = 0;
};

// What was heard of the workers since the last time.
struct PoolNews {
  std::map<std::string, Progress> progress;  // the newest of each run
  std::vector<std::string> notices;          // as they came
  std::vector<EndedRun> ended;
};

// Of a pool's Start(): another process is at the run.
inline bool IsAtWorkElsewhere(const absl::Status& status) {
  return absl::IsAlreadyExists(status);
}

class WorkerPool {
 public:
  virtual ~WorkerPool() = default;
  // How many runs may be started and not yet ended at a time, at least 1.
  virtual int slots() const = 0;
  // Hands one run of the plan, its attempt-th try, to a worker. Not started,
  // IsAtWorkElsewhere: another launcher's worker is at it; the message says
  // where. Other errors are the pool's own (no process can be made); the sweep
  // ends with them.
  virtual absl::Status Start(const std::string& run_id, int attempt) = 0;
  // What the worker of a started run holds of this machine's memory now.
  virtual int64_t ResidentBytes(const std::string& run_id) const {
    (void)run_id;
    return 0;  // nothing known: all that it needs is still to come
  }
  // Waits for news, though not longer than a caller may leave an interrupt
  // unnoticed (a fraction of a second). Every started run ends once.
  virtual PoolNews Wait() = 0;
  // Asks every worker to save a checkpoint and end; `at_once`: without saving.
  virtual void Stop(bool at_once) = 0;
};

// Program and arguments of the worker of one attempt. It writes progress lines
// to `progress_fd`; -1: nowhere.
std::vector<std::string> WorkerWords(const PoolOptions& options,
                                     const std::string& run_id, int attempt,
                                     int progress_fd);
// What a worker said by its exit status; nullopt for one that is no worker's.
std::optional<WorkerOutcome> OutcomeOf(int exit_status);

struct WorkerPoolRow {
  std::string name;
  std::string summary;
  absl::StatusOr<std::unique_ptr<WorkerPool>> (*make)(const PoolOptions&);
};
const std::vector<WorkerPoolRow>& WorkerPools();
// InvalidArgument, with the names there are, where none is called so.
absl::StatusOr<std::unique_ptr<WorkerPool>> MakeWorkerPool(
    const std::string& name, const PoolOptions& options);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_WORKER_POOL_H_
