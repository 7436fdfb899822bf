#include "harness/launch/run_checkpoint.h"

#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "harness/core/status.h"

namespace sft::launch {
namespace {

constexpr char kPartialRecord[] = "/record.h5";

// What a checkpoint rests on must be what was read now.
absl::Status CheckSameInputs(const record::RunRecord& saved,
                             const record::RunRecord& now,
                             const std::string& folder) {
  for (const auto& [name, digest] : saved.texts) {
    const auto found = now.texts.find(name);
    if (found == now.texts.end() || found->second == digest ||
        !absl::EndsWith(name, "_sha256")) {
      continue;
    }
    return InputError(folder,
                      absl::StrCat("was saved with another ", name, " (",
                                   digest.substr(0, 12), "..., now ",
                                   found->second.substr(0, 12),
                                   "...): a file changed since; put it back, "
                                   "or remove this folder to begin anew"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<SavedRun>> ReadSavedRun(
    const std::string& folder, const std::string& run_id,
    const record::RunRecord& now) {
  train::RemoveStaleCheckpoints(folder);
  absl::StatusOr<train::Checkpoint> checkpoint =
      train::ReadCheckpoint(folder, run_id);
  if (!checkpoint.ok()) {
    if (absl::IsDataLoss(checkpoint.status())) {
      fprintf(stderr, "starting again: %s\n",
              ToStd(checkpoint.status().message()).c_str());
    }
    return std::optional<SavedRun>();
  }
  SFT_ASSIGN_OR_RETURN(record::RunRecord record,
                       record::ReadRunRecord(folder + kPartialRecord));
  SFT_RETURN_IF_ERROR(CheckSameInputs(record, now, folder));
  return std::optional(SavedRun{*std::move(checkpoint), std::move(record)});
}

absl::StatusOr<std::vector<EvalRecord>> ReadMeasured(
    const std::string& path, const record::RunRecord& now) {
  const absl::StatusOr<record::RunRecord> kept = record::ReadRunRecord(path);
  if (!kept.ok()) return std::vector<EvalRecord>();
  SFT_RETURN_IF_ERROR(CheckSameInputs(*kept, now, path));
  return kept->evals;
}

train::AddFiles AddRecord(const record::RunRecord& record) {
  return [&record](const std::string& folder) {
    return record::WriteRunRecord(record, folder + kPartialRecord);
  };
}

}  // namespace sft::launch
