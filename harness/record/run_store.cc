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
constexpr std::string_view kRungMark = ".rung";  // RunPaths::Rung
constexpr int kMostRungs = 10;                   // that a search has

// The number behind `mark`; 0 where it is not in the name, which ends before
// it.
int TakeNumber(std::string_view mark, std::string_view& name) {
  const size_t at = name.find(mark);
  if (at == std::string_view::npos) return 0;
  const std::string_view digits = name.substr(at + mark.size());
  name = name.substr(0, at);
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

}  // namespace

bool IsFinalStatus(RunStatus status) {
  return status == RunStatus::kOk || status == RunStatus::kDiverged;
}

RecordName ParseRecordName(std::string_view name) {
  RecordName out;
  out.attempt = TakeNumber(kAttemptMark, name);
  out.rung = TakeNumber(kRungMark, name);
  out.run_id = std::string(name);
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
  return HasReached(run_id, 0);
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

absl::StatusOr<RunRecord> RunStore::ReadRung(const std::string& run_id,
                                             int rung) const {
  return ReadRunRecord(paths_.Rung(run_id, rung));
}

absl::StatusOr<RunRecord> RunStore::ReadLastRung(
    const std::string& run_id) const {
  int last = 0;
  // Of a folder whose first rungs were lost too.
  for (int rung = 1; rung <= kMostRungs; ++rung) {
    if (FileExists(paths_.Rung(run_id, rung))) last = rung;
  }
  if (last == 0) {
    return absl::NotFoundError(absl::StrCat(run_id, ": came to no rung"));
  }
  return ReadRung(run_id, last);
}

absl::StatusOr<bool> RunStore::PublishRung(const RunRecord& record,
                                           int rung) const {
  return PublishRunRecord(record, paths_.Rung(record.run_id, rung));
}

absl::StatusOr<bool> RunStore::HasReached(const std::string& run_id,
                                          int rung) const {
  const absl::StatusOr<RunRecord> record = ReadReached(run_id, rung);
  if (record.ok()) return true;
  if (absl::IsNotFound(record.status())) return false;
  return record.status();
}

absl::StatusOr<RunRecord> RunStore::ReadReached(const std::string& run_id,
                                                int rung) const {
  const auto damaged = [](const std::string& path) {
    return InputError(path, kDamaged);
  };
  if (rung > 0 && FileExists(paths_.Rung(run_id, rung))) {
    absl::StatusOr<RunRecord> record = ReadRung(run_id, rung);
    if (record.ok()) return record;
    return damaged(paths_.Rung(run_id, rung));
  }
  const std::string path = paths_.Record(run_id);
  const absl::Status none = absl::NotFoundError(path + ": not there yet");
  if (!FileExists(path)) return none;
  absl::StatusOr<RunRecord> record = ReadFinal(run_id);
  if (!record.ok()) return damaged(path);
  if (rung > 0 && record->status != RunStatus::kDiverged) return none;
  return record;
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
