// Any axes as the rows and columns of a table: `--rows method --cols task
// --cell accuracy`. A cell is the mean over seeds; what differs otherwise
// within one is refused and named, for a mean over learning rates is no result.
#ifndef HARNESS_ANALYSIS_PIVOT_H_
#define HARNESS_ANALYSIS_PIVOT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/analysis/aggregate.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/record_query.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

struct PivotRequest {
  // Axes of a run (AxesOfRun), and task and round; the last round where that is
  // no axis.
  std::vector<std::string> rows = {"method"};
  std::vector<std::string> cols = {};
  // Metrics (of test rows, else of validation rows), "score" (each task's
  // primary metric), "gain" (its gain over the untuned model), changes, facts
  // and what was measured by their names in a record, peak_memory_mib,
  // tokens_per_second.
  std::vector<std::string> cells = {"score"};
  std::vector<QueryCondition> where = {};  // on axes and task
};

// An error lists the axes or cells that there are, or names what differs.
absl::StatusOr<Table> PivotTable(const Results& results,
                                 const std::vector<Comparison>& comparisons,
                                 const PivotRequest& request);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_PIVOT_H_
