// Workers as processes of this machine, `jobs` at a time. Each has a process
// group of its own, its log as standard output and error, a pipe for progress
// and the run's lock, which ends with it.
#ifndef HARNESS_LAUNCH_LOCAL_POOL_H_
#define HARNESS_LAUNCH_LOCAL_POOL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "harness/launch/worker_pool.h"

namespace sft::launch {

absl::StatusOr<std::unique_ptr<WorkerPool>> MakeLocalPool(
    const PoolOptions& options);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_LOCAL_POOL_H_
