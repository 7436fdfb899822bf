#include "harness/record/run_record.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "harness/core/file_lock.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/record_file.h"
#include "harness/record/record_items.h"
#include "harness/record/sealed_file.h"

namespace sft::record {
namespace {

// Says who was writing, in case a killed process leaves it behind.
std::string TemporaryName(const RunRecord& record, const std::string& path) {
  const auto attempt = record.provenance_run.find("attempt");
  std::string number =
      attempt == record.provenance_run.end() ? "0" : attempt->second;
  for (char& c : number) {
    if (c == '/') c = '_';
  }
  return absl::StrCat(path, ".", HostName(), ".", getpid(), ".", number,
                      ".tmp");
}

}  // namespace

void RemoveStaleTemporaries(const std::string& folder) {
  namespace fs = std::filesystem;
  const std::string mark = ".h5." + HostName() + ".";
  std::error_code error;
  std::vector<fs::path> stale;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const size_t at = name.find(mark);
    if (at == std::string::npos) continue;
    const int pid = std::atoi(name.c_str() + at + mark.size());
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) {
      stale.push_back(entry.path());
    }
  }
  for (const fs::path& path : stale) fs::remove(path, error);
}

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
  const std::string temporary = TemporaryName(record, path);
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
