// Tables of what lies between the base model and a run's end, and of how far
// that end is from the base.
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

// Cells of one round beside their baseline at equal target score: s* is the
// worse of the two mean end validation losses; each run's curve, its loss made
// monotone, is read where it first comes down to s*. Pairs of which one does
// not, or begins below, are counted and left out.
Table EqualTargetTable(const Results& results);

// Target loss against what is retained; on the front are cells that no other
// cell of their model and target is as good as in both and better in one.
Table FrontTable(const Results& results);

// Divergences, norms and ranks of cells that measured them, a column each.
Table DistanceTable(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_POINT_TABLES_H_
