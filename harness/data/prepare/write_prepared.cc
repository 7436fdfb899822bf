#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/prepare/prepare.h"

namespace sft::data {
namespace {

// A file that grows under a temporary name; gone unless published.
class GrowingFile {
 public:
  explicit GrowingFile(const std::string& path)
      : path_(path),
        temporary_(TemporaryBeside(path)),
        file_(fopen(temporary_.c_str(), "wb")) {
    Require(file_ != nullptr);
  }
  ~GrowingFile() {
    if (file_ != nullptr) fclose(file_);
    if (!published_) unlink(temporary_.c_str());
  }
  void Write(std::string_view bytes) {
    size_bytes_ += static_cast<int64_t>(bytes.size());
    Require(error_ == 0 &&
            fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size());
  }
  absl::Status Publish() {
    Require(error_ == 0 && fflush(file_) == 0 && fsync(fileno(file_)) == 0 &&
            rename(temporary_.c_str(), path_.c_str()) == 0);
    if (error_ != 0) return WriteError(path_, error_, size_bytes_);
    published_ = true;
    return absl::OkStatus();
  }

 private:
  // Keeps what went wrong first.
  void Require(bool good) {
    if (!good && error_ == 0) error_ = errno;
  }

  std::string path_, temporary_;
  FILE* file_;
  int64_t size_bytes_ = 0;
  int error_ = 0;  // an errno
  bool published_ = false;
};

// What would break a line or a column becomes a space.
std::string Cell(std::string text) {
  for (char& c : text) {
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

}  // namespace

absl::Status WritePrepared(const RowSource& rows, const PreparedTable& table,
                           const std::vector<RefusedRow>& bad_rows,
                           const std::string& report_json,
                           const std::string& folder) {
  SFT_RETURN_IF_ERROR(MakeFolders(folder));
  // Its presence says that the others are whole and belong together.
  const std::string report = folder + "/report.json";
  SFT_RETURN_IF_ERROR(RemoveAll(report));
  for (int s = 0; s < kSplits; ++s) {
    GrowingFile file(absl::StrCat(folder, "/", kSplitNames[s], ".jsonl"));
    for (const uint32_t index : table.splits[s]) {
      SFT_ASSIGN_OR_RETURN(const TableRow row, rows.Get(index));
      file.Write(row.json);
      file.Write("\n");
    }
    SFT_RETURN_IF_ERROR(file.Publish());
  }
  GrowingFile dropped(folder + "/dropped.tsv");
  dropped.Write("where\treason\tduplicate_of\n");
  for (const RefusedRow& bad : bad_rows) {
    dropped.Write(
        absl::StrCat(Cell(bad.where), "\tbad_row: ", Cell(bad.reason), "\t\n"));
  }
  for (const DroppedRow& row : table.dropped) {
    dropped.Write(absl::StrCat(Cell(row.where), "\t", row.reason, "\t",
                               Cell(row.duplicate_of), "\n"));
  }
  SFT_RETURN_IF_ERROR(dropped.Publish());
  GrowingFile flagged(folder + "/flagged.tsv");
  flagged.Write("where\treason\tdetail\n");
  for (const FlaggedRow& row : table.flagged) {
    flagged.Write(absl::StrCat(Cell(row.where), "\t", row.reason, "\t",
                               Cell(row.detail), "\n"));
  }
  SFT_RETURN_IF_ERROR(flagged.Publish());
  return WriteFileAtomically(report, report_json);
}

}  // namespace sft::data
