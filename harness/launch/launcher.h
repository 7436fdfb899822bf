// Runs a plan, to the end or to that of a rung: the untuned model first, as
// many runs at a time as the pool of workers takes. Finished runs are not
// repeated; killed ones continue.
#ifndef HARNESS_LAUNCH_LAUNCHER_H_
#define HARNESS_LAUNCH_LAUNCHER_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "harness/launch/admission.h"
#include "harness/launch/sweep_states.h"
#include "harness/launch/worker_pool.h"
#include "harness/measure/machine_facts.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

struct LaunchOptions : PoolOptions {
  std::string pool = "local";  // a row of WorkerPools()
  int max_attempts = kDefaultAttempts;
  // Where both are given (--jobs auto), a run starts beside others only where
  // what it needs is to be had on this machine: Admit().
  std::function<absl::StatusOr<RunNeeds>(const spec::RunConfig&)> needs_of;
  std::function<measure::MachineFacts()> machine;
};

// On the pool of the options. A signal of InterruptCounter lets the workers
// save and ends the sweep; a further SIGINT does not wait for them.
absl::StatusOr<LaunchSummary> RunSweep(const spec::RunPlan& plan,
                                       const LaunchOptions& options);

// The same on a given pool. `interrupts`: how often it was asked to stop.
absl::StatusOr<LaunchSummary> RunSweepOn(
    WorkerPool& pool, const spec::RunPlan& plan, const LaunchOptions& options,
    const std::function<int()>& interrupts);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_LAUNCHER_H_
