// A sweep that others execute: its manifest, which of its runs are meant, and
// the words of the tasks that do them.
#ifndef EXPERIMENTS_HANDED_SWEEP_H_
#define EXPERIMENTS_HANDED_SWEEP_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "experiments/recording_flags.h"
#include "harness/record/run_paths.h"
#include "harness/spec/run_plan.h"

namespace sft::experiments {

struct HandedSweep {
  spec::RunPlan plan;          // whole, as the manifest has it
  std::vector<size_t> places;  // in it, of the runs that were asked for
  record::RunPaths paths;      // absolute: a task may start in any folder
  std::string manifest;
  // The program, `task`, the manifest and its flags, but for which run.
  std::vector<std::string> task_words;
};

// Under all rules; says what is to be said of the plan. The manifest is written
// unless it is a rehearsal. A manifest in the spec's place is taken as it is.
absl::StatusOr<HandedSweep> HandOver(const SweepFlags& flags,
                                     bool is_rehearsal = false);

}  // namespace sft::experiments

#endif  // EXPERIMENTS_HANDED_SWEEP_H_
