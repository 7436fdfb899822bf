// The records of a sweep's folder or of a merged file, one after another, and
// merging them: each as it was, with the plan that they belong to, so that a
// report of the merged file is that of the folder.
#ifndef HARNESS_RECORD_MERGE_H_
#define HARNESS_RECORD_MERGE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/manifest_store.h"
#include "harness/record/record_file.h"

namespace sft::record {

// The .h5 files of a sweep's folder: DIR/runs/*.h5, or DIR/*.h5 where there is
// no DIR/runs; in name order. A file is itself.
absl::StatusOr<std::vector<std::string>> ListRecordFiles(
    const std::string& path);

// Gives every record of `files` to `take`, in order of files and names. Several
// are read at a time, on threads; only a few are in memory, and `take` is
// called by one thread. What is damaged comes as its error, with its file.
using TakeRecord =
    std::function<void(const std::string& file, absl::StatusOr<NamedRecord>)>;
void ForEachRecord(const std::vector<std::string>& files,
                   const TakeRecord& take);

// The records of a single or a merged file, in name order, all checked.
absl::StatusOr<std::vector<NamedRecord>> ReadRunRecords(
    const std::string& path);

// The plans (texts of manifests, or of an older plan.json) that belong to
// `path`: of a sweep's folder its own, the oldest first, else those in its
// merged files; of a merged file those in it. Each once, in order. Damaged
// files have none.
absl::StatusOr<std::vector<PlanText>> ReadPlanTexts(const std::string& path);

// Writes the records of `inputs` (files, merged or not, and folders) to
// `output`, one at a time; returns how many. The same record twice is kept
// once, two that differ under one name are an error. Damaged inputs are errors.
// Plans of the inputs are kept, each once.
absl::StatusOr<size_t> MergeRecords(const std::vector<std::string>& inputs,
                                    const std::string& output);

}  // namespace sft::record

#endif  // HARNESS_RECORD_MERGE_H_
