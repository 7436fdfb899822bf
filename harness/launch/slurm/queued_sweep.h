// A sweep that was handed to Slurm, while its tasks are in the queue.
#ifndef HARNESS_LAUNCH_SLURM_QUEUED_SWEEP_H_
#define HARNESS_LAUNCH_SLURM_QUEUED_SWEEP_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sft::launch {

// Cancels what of this folder is in the queue; returns how many tasks. An error
// where nothing was ever submitted from it.
absl::StatusOr<size_t> CancelSubmitted(const std::string& dir);

struct WaitTimes {
  absl::Duration between = absl::Seconds(5);  // looks at the queue
  // A controller that is being restarted answers later.
  absl::Duration patience = absl::Minutes(30);
};
// Returns once no task of this folder is in the queue. `say` is told when Slurm
// does not answer, and when it does again; an error once it has not for longer
// than the patience.
absl::Status WaitForSubmitted(const std::string& dir, const WaitTimes& times,
                              const std::function<void(std::string)>& say);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_QUEUED_SWEEP_H_
