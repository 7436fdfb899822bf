#include "harness/launch/worker_pool.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/launch/local_pool.h"

namespace sft::launch {

const std::vector<WorkerPoolRow>& WorkerPools() {
  static const auto& rows = *new std::vector<WorkerPoolRow>{
      {"local", "a process a run, on this machine", MakeLocalPool},
  };
  return rows;
}

absl::StatusOr<std::unique_ptr<WorkerPool>> MakeWorkerPool(
    const std::string& name, const PoolOptions& options) {
  std::vector<std::string> names;
  for (const WorkerPoolRow& row : WorkerPools()) {
    if (row.name == name) return row.make(options);
    names.push_back(row.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no pool of workers is called '", name, "': wanted one of ",
                   absl::StrJoin(names, ", ")));
}

std::vector<std::string> WorkerWords(const PoolOptions& options,
                                     const std::string& run_id, int attempt,
                                     int progress_fd) {
  const auto index = options.manifest_index.find(run_id);
  std::vector<std::string> words = {
      options.executable,
      "worker",
      absl::StrCat("--manifest=", options.manifest),
      absl::StrCat("--run-id=", run_id),
      absl::StrCat("--index=", index == options.manifest_index.end()
                                   ? size_t{0}
                                   : index->second),
      absl::StrCat("--progress-fd=", progress_fd),
      absl::StrCat("--attempt=", attempt),
  };
  if (options.rung > 0) words.push_back(absl::StrCat("--rung=", options.rung));
  for (std::string& word : RecordingWords(options)) {
    words.push_back(std::move(word));
  }
  return words;
}

std::optional<WorkerOutcome> OutcomeOf(int exit_status) {
  for (const WorkerOutcome outcome :
       {WorkerOutcome::kPublished, WorkerOutcome::kFailed,
        WorkerOutcome::kNoMemory, WorkerOutcome::kDiskFull,
        WorkerOutcome::kTimedOut, WorkerOutcome::kInterrupted}) {
    if (exit_status == static_cast<int>(outcome)) return outcome;
  }
  return std::nullopt;
}

}  // namespace sft::launch
