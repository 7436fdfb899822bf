// A file of one record or of many, whoever wrote it: what is in it, and each
// record by itself.
#ifndef HARNESS_RECORD_RECORD_FILE_H_
#define HARNESS_RECORD_RECORD_FILE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/record/merged_file.h"
#include "harness/record/run_record.h"

namespace sft::record {

struct NamedRecord {
  std::string name;  // file name without .h5: "<run_id>", "<run_id>.attempt1"
  RunRecord record;
};

class RecordFile {
 public:
  // Checks the seal.
  static absl::StatusOr<RecordFile> Open(const std::string& path);

  // In order. A file of one record has that one, by the file's own name.
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<std::string>& plans() const { return plans_; }
  bool is_merged() const { return is_merged_; }

  // A record as the bytes of a file of its own, their seal checked.
  absl::StatusOr<std::string> Bytes(const std::string& name) const;
  // The record, its digests checked.
  absl::StatusOr<RunRecord> Read(const std::string& name) const;
  // Everything that can be checked of a record: also what HDF5 readers find.
  absl::Status Verify(const std::string& name) const;

 private:
  absl::Status OpenMerged();
  absl::Status SplitMerged();  // of the form that older builds wrote
  std::string Where(const std::string& name) const;

  std::string path_;
  bool is_merged_ = false;
  std::vector<std::string> names_, plans_;
  std::string bytes_;                          // of a single record
  std::unique_ptr<MergedReader> merged_;       // of a merged file
  std::map<std::string, std::string> as_own_;  // of one by an older build
};

}  // namespace sft::record

#endif  // HARNESS_RECORD_RECORD_FILE_H_
