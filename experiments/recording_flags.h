// What every command that executes runs is told alike: where records go, and
// what is kept.
#ifndef EXPERIMENTS_RECORDING_FLAGS_H_
#define EXPERIMENTS_RECORDING_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "harness/launch/keep_weights.h"

namespace sft::experiments {

struct RecordingFlags {
  std::string out = "results";
  absl::Duration checkpoint_every = absl::Minutes(2);
  absl::Duration run_limit = absl::InfiniteDuration();
  bool keep_text = false;
  launch::KeepWeights keep_weights = launch::KeepWeights::kAdapters;
};
void DeclareRecording(CLI::App& app, RecordingFlags& flags);

// The same as words for another process; what has its default is left out.
std::vector<std::string> RecordingWords(const RecordingFlags& flags);

// Copies them to WorkerOptions or LaunchOptions.
template <class Options>
void ApplyRecording(const RecordingFlags& flags, Options& options) {
  options.paths.out = flags.out;
  options.checkpoint_every = flags.checkpoint_every;
  options.run_limit = flags.run_limit;
  options.keep_text = flags.keep_text;
  options.keep_weights = flags.keep_weights;
}

}  // namespace sft::experiments

#endif  // EXPERIMENTS_RECORDING_FLAGS_H_
