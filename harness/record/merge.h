// One file of many records, below /runs/<name>, each as it was with its own
// digests.
#ifndef HARNESS_RECORD_MERGE_H_
#define HARNESS_RECORD_MERGE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/run_record.h"

namespace sft {

struct NamedRecord {
  std::string name;  // file name without .h5: "<run_id>", "<run_id>.attempt1"
  RunRecord record;
};

// The records of a single or a merged file, in name order, all checked.
absl::StatusOr<std::vector<NamedRecord>> ReadRunRecords(
    const std::string& path);

// The .h5 files of a sweep's folder: DIR/runs/*.h5, or DIR/*.h5 where there is
// no DIR/runs; in name order. A file is itself.
absl::StatusOr<std::vector<std::string>> ListRecordFiles(
    const std::string& path);

// Writes the records of `inputs` (files, merged or not, and folders) to
// `output`; returns how many. The same record twice is kept once, two that
// differ under one name are an error. Damaged inputs are errors.
absl::StatusOr<size_t> MergeRecords(const std::vector<std::string>& inputs,
                                    const std::string& output);

}  // namespace sft

#endif  // HARNESS_RECORD_MERGE_H_
