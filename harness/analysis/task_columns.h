// The columns of one task in the main table: its primary metric with the gain
// over the untuned model and its test, the other metrics; or, of a retained
// task, its score and how it changed.
#ifndef HARNESS_ANALYSIS_TASK_COLUMNS_H_
#define HARNESS_ANALYSIS_TASK_COLUMNS_H_

#include <string>
#include <vector>

#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparison.h"

namespace sft::analysis {

// A gain over the untuned model that the test has decided; a score that it has
// decided to be better, or worse, than the baseline's.
inline constexpr char kDiffersMark[] = "*";
inline constexpr char kBetterMark[] = "\xe2\x80\xa1";
inline constexpr char kWorseMark[] = "\xe2\x80\xa0";

// `prefix` stands before the titles: the task's name where there are several.
void AddTaskColumns(const Results& results, const std::string& task,
                    const std::string& prefix,
                    const std::vector<Comparison>& comparisons,
                    CellTable& table);
// The change is after minus before; its title says which way is worse.
void AddRetainedColumns(const Results& results, const std::string& task,
                        const std::vector<Comparison>& comparisons,
                        CellTable& table);

// Digits after the point of what is measured in `unit`.
int DigitsOf(const std::string& unit);
// "nats/token", and the scale of what has no unit.
std::string ScaleOf(const std::string& unit);

// Of a comparison: was it decided, and which way?
bool IsDecided(const Comparison& comparison);
Tone ToneOf(const Comparison& comparison);

// The gain and its interval.
TableCell GainCell(const Comparison& comparison);
// Holm's p, with what it is about; words where nothing is tested.
TableCell HolmCell(const Comparison& comparison);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_TASK_COLUMNS_H_
