// How far a run's end is from the base model.
#ifndef HARNESS_ANALYSIS_DISTANCE_TABLE_H_
#define HARNESS_ANALYSIS_DISTANCE_TABLE_H_

#include "harness/analysis/aggregate.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

// Divergences, norms and ranks of cells that measured them, a column each.
Table DistanceTable(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_DISTANCE_TABLE_H_
