// Two rows read where both are as good on the target as the worse one at its
// end: what does each keep there?
#ifndef HARNESS_ANALYSIS_EQUAL_TARGET_H_
#define HARNESS_ANALYSIS_EQUAL_TARGET_H_

#include "harness/analysis/aggregate.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

// Cells of one round beside their baseline at equal target score: s* is the
// worse of the two mean end validation losses; each run's curve, its loss made
// monotone, is read where it first comes down to s*. Pairs of which one does
// not, or begins below, are counted and left out.
Table EqualTargetTable(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_EQUAL_TARGET_H_
