// The columns of one task in the main table: its primary metric with the gain
// over the untuned model, the other metrics, McNemar's test.
#ifndef HARNESS_ANALYSIS_TASK_COLUMNS_H_
#define HARNESS_ANALYSIS_TASK_COLUMNS_H_

#include <string>
#include <vector>

#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparison.h"

namespace sft {

// `prefix` stands before the titles: the task's name where there are several.
void AddTaskColumns(const Results& results, const std::string& task,
                    const std::string& prefix,
                    const std::vector<Comparison>& comparisons,
                    CellTable& table);
void AddMcNemarColumn(const Results& results, const std::string& task,
                      const std::string& prefix,
                      const std::vector<Comparison>& comparisons,
                      CellTable& table);

// The gain and its interval.
TableCell GainCell(const Comparison& comparison);

}  // namespace sft

#endif  // HARNESS_ANALYSIS_TASK_COLUMNS_H_
