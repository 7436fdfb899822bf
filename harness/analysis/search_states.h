// What the searches of a folder's plans say of its runs: who was stopped, where
// and with which score. Computed from the records anew, as the launcher does.
#ifndef HARNESS_ANALYSIS_SEARCH_STATES_H_
#define HARNESS_ANALYSIS_SEARCH_STATES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/analysis/collected_records.h"
#include "harness/search/standings.h"

namespace sft::analysis {

struct SearchState {
  search::Standing standing;
  // "rung 1 of 3, validation_loss 2.31"; the score is its cell's.
  std::string text;
};

// By run; of runs that stand in several plans, what the newest (last) says.
// Runs of plans without rungs have none.
absl::StatusOr<std::map<std::string, SearchState>> SearchStatesOf(
    const std::vector<spec::RunPlan>& plans, const CollectedRecords& records);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_SEARCH_STATES_H_
