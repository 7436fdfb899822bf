#include "harness/record/run_record.h"

#include <unistd.h>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/merge.h"
#include "harness/record/record_items.h"
#include "harness/record/sealed_file.h"

namespace sft {
namespace {

// Says who was writing, in case a killed process leaves it behind.
std::string TemporaryName(const RunRecord& record, const std::string& path) {
  char host[256] = "host";
  gethostname(host, sizeof(host) - 1);
  const auto attempt = record.provenance_run.find("attempt");
  std::string number =
      attempt == record.provenance_run.end() ? "0" : attempt->second;
  for (char& c : number) {
    if (c == '/') c = '_';
  }
  return absl::StrCat(path, ".", host, ".", getpid(), ".", number, ".tmp");
}

}  // namespace

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
  const std::string temporary = TemporaryName(record, path);
  SFT_RETURN_IF_ERROR(WriteRunRecord(record, temporary));
  return PublishByLink(temporary, path);
}

absl::StatusOr<RunRecord> ReadRunRecord(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(std::vector<NamedRecord> records, ReadRunRecords(path));
  if (records.size() != 1) {
    return InputError(
        path, absl::StrCat("holds ", records.size(), " records: wanted one"));
  }
  return std::move(records[0].record);
}

}  // namespace sft
