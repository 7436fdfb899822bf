// Where a record comes from, by name. What may be compared:
// harness/analysis/comparability.h.
#ifndef HARNESS_ANALYSIS_RECORD_ORIGIN_H_
#define HARNESS_ANALYSIS_RECORD_ORIGIN_H_

#include <string>

#include "harness/record/run_record.h"

namespace sft::analysis {

// The revision, and whether what was built differs from it.
std::string BuildOf(const record::RunRecord& record);
bool IsDirtyBuild(const record::RunRecord& record);
// Device and processor.
std::string MachineOf(const record::RunRecord& record);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_RECORD_ORIGIN_H_
