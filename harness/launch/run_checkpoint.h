// What of a run is in its checkpoint: the trainer's state, and the record so
// far.
#ifndef HARNESS_LAUNCH_RUN_CHECKPOINT_H_
#define HARNESS_LAUNCH_RUN_CHECKPOINT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/run_record.h"
#include "harness/train/checkpoint.h"

namespace sft::launch {

struct SavedRun {
  train::Checkpoint checkpoint;
  record::RunRecord record;
};

// nullopt where there is none, or one that is damaged (the log says so): the
// run begins anew. InvalidArgument where a digest of `now`, the record of what
// was read just now, is another than that of the checkpoint.
absl::StatusOr<std::optional<SavedRun>> ReadSavedRun(
    const std::string& folder, const std::string& run_id,
    const record::RunRecord& now);

// Evaluations of the base model that `path` keeps of a run that was stopped
// before there was a checkpoint; none where there is no such file, or a damaged
// one. InvalidArgument as above.
absl::StatusOr<std::vector<EvalRecord>> ReadMeasured(
    const std::string& path, const record::RunRecord& now);

// Puts the record into a checkpoint, as it is when that is saved. `record`
// outlives it.
train::AddFiles AddRecord(const record::RunRecord& record);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_CHECKPOINT_H_
