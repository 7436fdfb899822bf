// One file of many records, below /runs/<name>, each as it was with its own
// digests, and of the plan that they belong to, so that a report of the file is
// that of the folder.
#ifndef HARNESS_RECORD_MERGE_H_
#define HARNESS_RECORD_MERGE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/run_record.h"

namespace sft::record {

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

// The plans (texts of manifests, or of an older plan.json) that belong to
// `path`: of a sweep's folder its own, the oldest first, else those in its
// merged files; of a merged file those in it. Each once, in order. Damaged
// files have none.
absl::StatusOr<std::vector<std::string>> ReadPlanTexts(const std::string& path);

// Writes the records of `inputs` (files, merged or not, and folders) to
// `output`; returns how many. The same record twice is kept once, two that
// differ under one name are an error. Damaged inputs are errors. Plans of
// the inputs are kept, each once.
absl::StatusOr<size_t> MergeRecords(const std::vector<std::string>& inputs,
                                    const std::string& output);

}  // namespace sft::record

#endif  // HARNESS_RECORD_MERGE_H_
