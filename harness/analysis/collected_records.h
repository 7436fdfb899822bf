// The newest record of every run in a folder.
#ifndef HARNESS_ANALYSIS_COLLECTED_RECORDS_H_
#define HARNESS_ANALYSIS_COLLECTED_RECORDS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/run_record.h"

namespace sft::analysis {

struct FoundRecord {
  std::optional<record::RunRecord> record;  // none if damaged
  std::string state;                        // RunStatusName, or "damaged"
  int attempt = 0;                          // 0 = <run_id>.h5 itself
};
struct CollectedRecords {
  std::map<std::string, FoundRecord> by_run;
  // Of searches, by run and rung: what was measured there.
  std::map<std::string, std::map<int, record::RunRecord>> rungs;
  std::vector<std::string> notes;  // one for each damaged file
};

// A folder without records gives none. Files of runs that are not `wanted`, by
// their names, are not read, but for those of rungs, by which others are
// judged.
absl::StatusOr<CollectedRecords> CollectRecords(
    const std::string& dir,
    const std::function<bool(const std::string& run_id)>& wanted = {});

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_COLLECTED_RECORDS_H_
