#include "harness/record/run_store.h"

#include <charconv>
#include <filesystem>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/sealed_file.h"

namespace sft::record {
namespace {

constexpr std::string_view kAttemptMark = ".attempt";  // RunPaths::Attempt
constexpr char kDamaged[] = "is damaged; move it away to run it again";

}  // namespace

bool IsFinalStatus(RunStatus status) {
  return status == RunStatus::kOk || status == RunStatus::kDiverged;
}

RecordName ParseRecordName(std::string_view name) {
  const size_t at = name.find(kAttemptMark);
  RecordName out{std::string(name.substr(0, at))};
  if (at == std::string_view::npos) return out;
  const std::string_view number = name.substr(at + kAttemptMark.size());
  std::from_chars(number.data(), number.data() + number.size(), out.attempt);
  return out;
}

absl::StatusOr<RunStore> RunStore::OfRecord(const std::string& record_path) {
  const std::filesystem::path runs =
      std::filesystem::path(record_path).parent_path();
  if (runs.filename() != "runs") {
    return InputError(record_path,
                      "is not in a sweep's folder; wanted DIR/runs/<id>.h5");
  }
  const std::string out = runs.parent_path().string();
  return RunStore(RunPaths{out.empty() ? "." : out});
}

absl::Status RunStore::Open() const {
  SFT_RETURN_IF_ERROR(MakeFolders(paths_.Runs()));
  RemoveStaleTemporaries(paths_.Runs());
  return absl::OkStatus();
}

absl::StatusOr<bool> RunStore::HasFinal(const std::string& run_id) const {
  const std::string path = paths_.Record(run_id);
  if (!FileExists(path)) return false;
  if (ReadRunRecord(path).ok()) return true;
  return InputError(path, kDamaged);
}

bool RunStore::Stands(const std::string& run_id) const {
  return FileExists(paths_.Record(run_id));
}

absl::StatusOr<bool> RunStore::HasSealedFinal(const std::string& run_id) const {
  const std::string path = paths_.Record(run_id);
  if (!FileExists(path)) return false;
  if (ReadSealed(path).ok()) return true;
  return InputError(path, kDamaged);
}

bool RunStore::IsFinal(const std::string& run_id) const {
  return HasFinal(run_id).value_or(false);
}

absl::StatusOr<RunRecord> RunStore::ReadFinal(const std::string& run_id) const {
  return ReadRunRecord(paths_.Record(run_id));
}

int RunStore::CountAttempts(const std::string& run_id) const {
  int k = 0;
  while (FileExists(paths_.Attempt(run_id, k + 1))) ++k;
  return k;
}

int RunStore::CountFailures(const std::string& run_id) const {
  const int attempts = CountAttempts(run_id);
  int failures = 0;
  for (int k = 1; k <= attempts; ++k) {
    const auto record = ReadRunRecord(paths_.Attempt(run_id, k));
    if (!record.ok() || record->status != RunStatus::kTimeout) ++failures;
  }
  return failures;
}

absl::StatusOr<RunRecord> RunStore::ReadLastAttempt(
    const std::string& run_id) const {
  const int last = CountAttempts(run_id);
  if (last == 0) {
    return absl::NotFoundError(absl::StrCat(run_id, ": has no attempt"));
  }
  return ReadRunRecord(paths_.Attempt(run_id, last));
}

absl::StatusOr<bool> RunStore::Publish(const RunRecord& record,
                                       int attempt) const {
  return PublishRunRecord(record, IsFinalStatus(record.status)
                                      ? paths_.Record(record.run_id)
                                      : paths_.Attempt(record.run_id, attempt));
}

absl::Status RunStore::MakeWorkFolder(const std::string& run_id) const {
  SFT_RETURN_IF_ERROR(MakeFolders(paths_.Work(run_id)));
  RemoveStaleTemporaries(paths_.Work(run_id));
  return absl::OkStatus();
}

bool RunStore::IsBegun(const std::string& run_id) const {
  return IsFolder(paths_.Work(run_id));
}

FileLock RunStore::TakeLock(const std::string& run_id) const {
  return TakeFileLock(paths_.Lock(run_id));
}

bool RunStore::IsLocked(const std::string& run_id) const {
  return IsFileLocked(paths_.Lock(run_id));
}

}  // namespace sft::record
