// Tables of what cells cost: bytes by category, predicted and measured, and
// tokens, steps and seconds. Detail that the main table has no room for.
#ifndef HARNESS_ANALYSIS_COST_TABLES_H_
#define HARNESS_ANALYSIS_COST_TABLES_H_

#include <optional>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

// The peak of the training where it is known, on the device if there is one.
std::optional<double> PeakMebibytes(const record::RunRecord& record);
// The columns that name a cell: method, batching, and what else varies.
void AddLabelColumns(const Results& results, CellTable& table);

// MiB. Predicted is what the plan said before anything ran.
Table MemoryTable(const Results& results);
// What is measured by the clock is the mean over runs that did not wait for the
// processor, and empty where kinds of processors are mixed (rates.h).
Table SpeedTable(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_COST_TABLES_H_
