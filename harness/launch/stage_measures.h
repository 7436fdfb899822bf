// What a run measures before, between and behind its stages. Each may be
// stopped, keeps what it has then, and goes on behind that.
#ifndef HARNESS_LAUNCH_STAGE_MEASURES_H_
#define HARNESS_LAUNCH_STAGE_MEASURES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "harness/launch/run_stops.h"
#include "harness/launch/run_under_way.h"
#include "harness/launch/run_voice.h"
#include "harness/launch/rung_pause.h"
#include "harness/launch/workbench.h"
#include "harness/launch/worker_options.h"

namespace sft::launch {

class StageMeasures {
 public:
  // All outlive it.
  StageMeasures(const Workbench& bench, const WorkerOptions& options,
                RunVoice& voice, RunStops& stops, RunUnderWay& run)
      : bench_(bench),
        options_(options),
        voice_(voice),
        stops_(stops),
        run_(run) {}

  // Round 0: the scores of `untuned_id` where they stand, else measured here.
  absl::Status Base(const std::string& untuned_id);
  // After so many stages.
  absl::Status After(int64_t rounds);
  // After a step of a stage; saves nothing, for the trainer does.
  absl::Status InRound(int64_t round, int64_t step);
  // What a search compares, measured beside the checkpoint that was just saved:
  // nothing of it is in there, so that the run goes on as if it had not paused.
  absl::Status AtPause(const PausePoint& pause, int64_t round);
  // At the end: the distance from the base and the points between, and answers,
  // as far as they are asked for.
  absl::Status AgainstBase();
  absl::Status Answers();

 private:
  const Workbench& bench_;
  const WorkerOptions& options_;
  RunVoice& voice_;
  RunStops& stops_;
  RunUnderWay& run_;
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_STAGE_MEASURES_H_
