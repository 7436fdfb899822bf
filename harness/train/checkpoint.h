// A checkpoint: one folder, renamed into place, that holds everything a run
// needs to go on as if it had never stopped. A kill at any moment leaves the
// previous folder or the new one. Files: trainable.safetensors,
// optimizer.safetensors, method.safetensors, state.json (with the SHA-256 of
// every other file), and what the caller adds.
#ifndef HARNESS_TRAIN_CHECKPOINT_H_
#define HARNESS_TRAIN_CHECKPOINT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/records.h"

namespace sft::train {

struct Checkpoint {
  std::string run_id;
  int64_t round = 0;                   // index into RunConfig::train
  int64_t steps_in_round = 0;          // optimizer steps done in it
  std::string plan_sha256;             // StepPlan::plan_sha256 of that round
  std::vector<StepRecord> steps;       // of the whole run so far
  std::vector<NamedTensor> trained;    // all that has moved in any round
  std::vector<NamedTensor> optimizer;  // Optimizer::State()
  std::vector<NamedTensor> method;     // UpdateMethod::SaveState()
};

// Adds files (not folders) to the folder before it is published; they are
// hashed with the rest.
using AddFiles = std::function<absl::Status(const std::string& folder)>;

absl::Status WriteCheckpoint(const Checkpoint& checkpoint,
                             const std::string& folder,
                             const AddFiles& add_files = nullptr);

// Everything is verified before it is believed. NotFound: there is none.
// DataLoss: what is damaged, by file; the run then starts again from scratch.
// FailedPrecondition: it belongs to another run.
absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& folder,
                                          const std::string& run_id);

// Ends or removes what killed writers on this machine left beside `folder`.
void RemoveStaleCheckpoints(const std::string& folder);

}  // namespace sft::train

#endif  // HARNESS_TRAIN_CHECKPOINT_H_
