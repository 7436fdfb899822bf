// What of a run is in its checkpoint: the trainer's state, the record so far,
// and the batches of an evaluation under way.
#ifndef HARNESS_LAUNCH_RUN_CHECKPOINT_H_
#define HARNESS_LAUNCH_RUN_CHECKPOINT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/stop_point.h"
#include "harness/record/run_record.h"
#include "harness/train/checkpoint.h"

namespace sft::launch {

struct SavedRun {
  train::Checkpoint checkpoint;
  record::RunRecord record;
  Pieces pieces;
};

// nullopt where there is none, or one that is damaged (the log says so): the
// run begins anew. InvalidArgument where a digest of `now`, the record of what
// was read just now, is another than that of the checkpoint.
absl::StatusOr<std::optional<SavedRun>> ReadSavedRun(
    const std::string& folder, const std::string& run_id,
    const record::RunRecord& now);

// Puts record and pieces into a checkpoint, as they are when that is saved;
// both outlive it.
train::AddFiles AddRecord(const record::RunRecord& record,
                          const Pieces& pieces);

// The same of a run that has no checkpoint yet: what is measured of the base
// model.
struct MeasuredSoFar {
  std::vector<EvalRecord> evals;
  Pieces pieces;
};
absl::Status KeepMeasured(const record::RunRecord& record, const Pieces& pieces,
                          const std::string& folder);
// Nothing where there is no such folder, or a damaged one. Errors as above.
absl::StatusOr<MeasuredSoFar> ReadMeasured(const std::string& folder,
                                           const record::RunRecord& now);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_CHECKPOINT_H_
