#include "harness/record/run_record.h"

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/record_file.h"
#include "harness/record/record_items.h"
#include "harness/record/sealed_file.h"

namespace sft::record {

std::string_view RunStatusName(RunStatus status) {
  switch (status) {
    case RunStatus::kOk:
      return "ok";
    case RunStatus::kDiverged:
      return "diverged";
    case RunStatus::kOutOfMemory:
      return "out_of_memory";
    case RunStatus::kTimeout:
      return "timeout";
    case RunStatus::kFailed:
      return "failed";
    case RunStatus::kStopped:
      return "stopped";
  }
  return "failed";
}

absl::Status WriteRunRecord(const RunRecord& record, const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string bytes,
                       SealItems(SealedItemsOfRecord(record)));
  return WriteFileAtomically(path, bytes);
}

absl::StatusOr<bool> PublishRunRecord(const RunRecord& record,
                                      const std::string& path) {
  const std::string temporary = TemporaryBeside(path);
  SFT_ASSIGN_OR_RETURN(const std::string bytes,
                       SealItems(SealedItemsOfRecord(record)));
  SFT_RETURN_IF_ERROR(WriteWhole(temporary, bytes));
  return PublishByLink(temporary, path);
}

absl::StatusOr<RunRecord> ReadRunRecord(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const RecordFile file, RecordFile::Open(path));
  if (file.names().size() != 1) {
    return InputError(path, absl::StrCat("holds ", file.names().size(),
                                         " records: wanted one"));
  }
  return file.Read(file.names()[0]);
}

}  // namespace sft::record
