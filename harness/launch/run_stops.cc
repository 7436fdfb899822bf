#include "harness/launch/run_stops.h"

#include "absl/time/time.h"
#include "harness/core/status.h"
#include "harness/launch/run_checkpoint.h"

namespace sft::launch {

bool RunStops::WasAsked() const {
  return options_.should_stop && options_.should_stop();
}

bool RunStops::MustStop() const {
  return WasAsked() || since_start_.Wall() >= options_.run_limit;
}

absl::Status RunStops::Stoppable(
    const std::function<absl::Status()>& body) const {
  return RunStoppable([this] { return MustStop(); }, body);
}

absl::Status RunStops::StoppableInPieces(
    const std::function<absl::Status()>& body) {
  return RunStoppable([this] { return MustStop(); }, body, &run_.pieces);
}

absl::Status RunStops::KeptIfStopped(const absl::Status& status) const {
  if (!absl::IsAborted(status)) return status;
  const bool has_state = run_.trainer != nullptr && run_.trainer->optimizer();
  SFT_RETURN_IF_ERROR(
      has_state ? Save()
                : KeepMeasured(run_.record, run_.pieces, options_.paths));
  return status;
}

std::string RunStops::CheckpointFolder() const {
  return options_.paths.Checkpoint(run_.record.run_id, OwnExecution());
}

train::AddFiles RunStops::RecordFiles() const {
  return AddRecord(run_.record, run_.pieces);
}

absl::Status RunStops::Save() const {
  return run_.trainer->SaveCheckpoint(CheckpointFolder(), RecordFiles());
}

}  // namespace sft::launch
