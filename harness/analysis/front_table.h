// Target loss against what is retained, of these two alone, with intervals.
// What no row beats in cost, too: harness/analysis/fronts.h.
#ifndef HARNESS_ANALYSIS_FRONT_TABLE_H_
#define HARNESS_ANALYSIS_FRONT_TABLE_H_

#include "harness/analysis/aggregate.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

// On the front are cells that no other cell of their model and target is as
// good as in both and better in one.
Table FrontTable(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_FRONT_TABLE_H_
