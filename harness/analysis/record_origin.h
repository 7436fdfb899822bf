// Where records come from: what two must share to be compared at all, and what
// a reader must be told where they do not.
#ifndef HARNESS_ANALYSIS_RECORD_ORIGIN_H_
#define HARNESS_ANALYSIS_RECORD_ORIGIN_H_

#include <string>
#include <utility>
#include <vector>

#include "harness/record/run_record.h"

namespace sft::analysis {

using RecordPairs =
    std::vector<std::pair<const record::RunRecord*, const record::RunRecord*>>;

// "data.sst2.train, model": inputs that both name, with other digests.
std::string OtherInputs(const RecordPairs& pairs);

// The revision, and whether what was built differs from it.
std::string BuildOf(const record::RunRecord& record);
bool IsDirtyBuild(const record::RunRecord& record);
// Device and processor.
std::string MachineOf(const record::RunRecord& record);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_RECORD_ORIGIN_H_
