// Flags that commands of a sweep have in common: which of its runs, how often
// each is tried, where records go and what is kept.
#ifndef EXPERIMENTS_RECORDING_FLAGS_H_
#define EXPERIMENTS_RECORDING_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "harness/launch/recording_options.h"

namespace sft::experiments {

// Of every command that executes runs.
void DeclareRecording(CLI::App& app, launch::RecordingOptions& options);
void DeclareMaxAttempts(CLI::App& app, int& max_attempts);

// Of every command that begins with a spec.
struct SweepFlags {
  std::string spec;
  std::string filter;  // "" = all of it
  int max_attempts = launch::kDefaultAttempts;
  launch::RecordingOptions recording{.paths = {"results"}};
};
void DeclareSpec(CLI::App& app, SweepFlags& flags);
// All but the spec: they stand behind a command's own.
void DeclareSweep(CLI::App& app, SweepFlags& flags);

}  // namespace sft::experiments

#endif  // EXPERIMENTS_RECORDING_FLAGS_H_
