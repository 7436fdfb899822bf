// What of a run is in its checkpoint (the trainer's state, the record so far
// and the batches of an evaluation under way), and which checkpoint a run goes
// on from.
#ifndef HARNESS_LAUNCH_RUN_CHECKPOINT_H_
#define HARNESS_LAUNCH_RUN_CHECKPOINT_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/stop_point.h"
#include "harness/record/run_paths.h"
#include "harness/record/run_record.h"
#include "harness/train/checkpoint.h"

namespace sft::launch {

using LogLine = std::function<void(const std::string&)>;

struct SavedRun {
  train::Checkpoint checkpoint;
  record::RunRecord record;
  Pieces pieces;
};

// "PLACE-PID-START" (core/process_place.h): the folder below work/<run_id> that
// this process alone writes to. A cluster may execute a run twice at once, and
// neither knows of the other.
std::string OwnExecution();

// The newest whole checkpoint that any execution of the run left; nullopt where
// there is none (the log says of a damaged one that it is), and the run begins
// anew. What a dead process of this place left becomes this one's or, where it
// is not the newest, goes; that of another place is read where it is.
// InvalidArgument where a digest of `now`, the record of what was read just
// now, is another than that of the checkpoint. Damaged ones are told to `log`.
absl::StatusOr<std::optional<SavedRun>> TakeUpSavedRun(
    const record::RunPaths& paths, const std::string& run_id,
    const record::RunRecord& now, const LogLine& log);

// Of all executions, and what was measured before them, once the final record
// stands. As far as it goes: another execution may be writing, and clears its
// own when it finds the record.
void RemoveCheckpoints(const record::RunPaths& paths,
                       const std::string& run_id);

// Puts record and pieces into a checkpoint, as they are when that is saved;
// both outlive it.
train::AddFiles AddRecord(const record::RunRecord& record,
                          const Pieces& pieces);

// The same of a run that has no checkpoint yet: what is measured of the base
// model. One for all executions of the run, which measure the same.
struct MeasuredSoFar {
  std::vector<EvalRecord> evals;
  Pieces pieces;
};
absl::Status KeepMeasured(const record::RunRecord& record, const Pieces& pieces,
                          const record::RunPaths& paths);
// Nothing where there is no such folder, or a damaged one. Errors as above.
absl::StatusOr<MeasuredSoFar> ReadMeasured(const record::RunPaths& paths,
                                           const record::RunRecord& now);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_CHECKPOINT_H_
