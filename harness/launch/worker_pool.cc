#include "harness/launch/worker_pool.h"

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

}  // namespace sft::launch
