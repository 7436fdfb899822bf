// How a run is stopped before its end: when, and what is kept of it then, in
// its checkpoint or, before there is one, beside it.
#ifndef HARNESS_LAUNCH_RUN_STOPS_H_
#define HARNESS_LAUNCH_RUN_STOPS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "harness/core/stopwatch.h"
#include "harness/launch/run_under_way.h"
#include "harness/launch/worker_options.h"
#include "harness/train/checkpoint.h"

namespace sft::launch {

class RunStops {
 public:
  // The time of the run begins here. Both outlive it.
  RunStops(const WorkerOptions& options, RunUnderWay& run)
      : options_(options), run_(run) {}

  // Whether somebody asked for it.
  bool WasAsked() const;
  // Or the run has had its time.
  bool MustStop() const;

  // `body` under RunStoppable.
  absl::Status Stoppable(const std::function<absl::Status()>& body) const;
  // An evaluation, which goes on behind what it has.
  absl::Status StoppableInPieces(const std::function<absl::Status()>& body);
  // Where `status` says that the run was stopped, what it has measured is
  // saved, so that it is not measured again.
  absl::Status KeptIfStopped(const absl::Status& status) const;

  std::string CheckpointFolder() const;
  // Record and pieces, for a checkpoint.
  train::AddFiles RecordFiles() const;
  absl::Status Save() const;

 private:
  const WorkerOptions& options_;
  RunUnderWay& run_;
  const Stopwatch since_start_;
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_STOPS_H_
