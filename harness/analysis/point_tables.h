// Tables of what lies between the base model and a run's end.
#ifndef HARNESS_ANALYSIS_POINT_TABLES_H_
#define HARNESS_ANALYSIS_POINT_TABLES_H_

#include "harness/analysis/aggregate.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

// Every point of the curves of runs, a column a set. The first is the base
// model; of a sequence, whose curve is its last round's, what was before it.
Table CurveTable(const Results& results);
// The same of rewound weights; reported is the smallest alpha whose validation
// loss is within one standard error of the end's.
Table RewindTable(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_POINT_TABLES_H_
