// What a sequence of tasks left of each of them, and what is retained.
#ifndef HARNESS_ANALYSIS_SEQUENCE_TABLES_H_
#define HARNESS_ANALYSIS_SEQUENCE_TABLES_H_

#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

// The matrix R of every cell of at least two rounds: a row a round, the base
// model's first, a column a task or retained set, as measured.
Table ScoresTable(const Results& results);

// OP, BWT, ... of these cells, with the difference from the baseline's.
Table SequenceTable(const Results& results);

// Every metric of what is retained, before and after, with the change.
// `comparisons`: what CompareAll made of the primary metrics.
Table RetainedTable(const Results& results,
                    const std::vector<Comparison>& comparisons);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_SEQUENCE_TABLES_H_
