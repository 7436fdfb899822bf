// What every program that executes runs is told alike: where records go, and
// what is kept. A launcher hands it on to tasks and workers as words.
#ifndef HARNESS_LAUNCH_RECORDING_OPTIONS_H_
#define HARNESS_LAUNCH_RECORDING_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "harness/launch/keep_weights.h"
#include "harness/record/run_paths.h"

namespace sft::launch {

// How often a run is tried that fails, unless told otherwise.
inline constexpr int kDefaultAttempts = 2;

struct RecordingOptions {
  record::RunPaths paths;
  absl::Duration checkpoint_every = absl::Minutes(2);
  // Of one execution of a run, in wall time; then it saves and ends.
  absl::Duration run_limit = absl::InfiniteDuration();
  bool keep_text = false;
  KeepWeights keep_weights = KeepWeights::kAdapters;
};

// Flags of `task` and `worker`; what has its default is left out.
std::vector<std::string> RecordingWords(const RecordingOptions& options);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RECORDING_OPTIONS_H_
