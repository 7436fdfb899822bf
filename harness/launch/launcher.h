// Runs a plan on this machine: one process a run, `jobs` at a time, the
// untuned model first. Finished runs are not repeated; killed ones continue.
#ifndef HARNESS_LAUNCH_LAUNCHER_H_
#define HARNESS_LAUNCH_LAUNCHER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "harness/record/run_paths.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

struct LaunchOptions {
  std::string executable;  // this program: "worker" is called on it
  record::RunPaths paths;
  int jobs = 1;
  int max_attempts = 2;
  absl::Duration checkpoint_every = absl::Minutes(2);
  bool keep_text = false;
  bool save_weights = true;
};

struct LaunchSummary {
  int finished = 0;  // ok in this call
  int skipped = 0;   // were final before it
  int diverged = 0;
  int failed = 0;  // no attempt left
  bool interrupted = false;
};

absl::StatusOr<LaunchSummary> RunSweep(const spec::RunPlan& plan,
                                       const LaunchOptions& options);

// A record is final if it stands under the run's own name and is whole.
bool IsFinal(const record::RunPaths& paths, const std::string& run_id);
// Attempts published so far.
int CountAttempts(const record::RunPaths& paths, const std::string& run_id);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_LAUNCHER_H_
