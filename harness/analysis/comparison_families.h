// All comparisons of a report, in two families that Holm's method corrects
// apart, each at 2.5 %, so that a whole table finds what is not there in at
// most 5 % of sweeps:
//   1. the primary metrics of the rows that were asked for,
//   2. what these rows retain,
// each against the untuned model and the baseline. Asked for are the selected
// rows, or all where nothing is selected.
#ifndef HARNESS_ANALYSIS_COMPARISON_FAMILIES_H_
#define HARNESS_ANALYSIS_COMPARISON_FAMILIES_H_

#include <string>
#include <vector>

#include "harness/analysis/comparison.h"

namespace sft::analysis {

inline constexpr double kFamilyLevel = 0.025;

// Rows that were not asked for are compared with the untuned model alone, for
// their intervals, and in no family. All against the untuned model come first,
// then all against the baseline, each in order of cells.
std::vector<Comparison> CompareAll(const Results& results);

// "better", "worse", "not decided" by Holm's p; what it says where nothing is
// tested; "" outside of the families.
std::string Verdict(const Comparison& comparison);

// "sst2: f1 has no interval: ..." for each task whose records do not keep what
// its primary metric is made of.
std::vector<std::string> NotesOnMissingIntervals(const Results& results);

// The tasks of the plan, in its order; and those retained that are no such.
std::vector<std::string> EvaluatedTasks(const Results& results);
std::vector<std::string> RetainedTasks(const Results& results);
// The first metric of a task in any record; nullptr if there is none.
const MetricRecord* PrimaryMetric(const Results& results,
                                  const std::string& task);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_COMPARISON_FAMILIES_H_
