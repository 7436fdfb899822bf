// Tables with a row a run, and with a row a number of a run.
#ifndef HARNESS_ANALYSIS_LONG_TABLE_H_
#define HARNESS_ANALYSIS_LONG_TABLE_H_

#include "harness/analysis/aggregate.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

// Everything that records hold beside steps and items: run, axes, kind, task,
// split, round, point, name, value (harness/analysis/observations.h). A run
// without a record is a row with its status.
Table LongTable(const Results& results);

// The main table's values of every run by itself, the seed beside its axes.
Table SeedTable(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_LONG_TABLE_H_
