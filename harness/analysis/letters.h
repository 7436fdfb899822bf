// Rows that cannot be told apart share a letter: every two rows that were asked
// for, and the untuned model, compared on each task over at least three seeds.
// A family of its own: all pairs of all tasks, by Holm's method at 5 %.
#ifndef HARNESS_ANALYSIS_LETTERS_H_
#define HARNESS_ANALYSIS_LETTERS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

inline constexpr double kLettersLevel = 0.05;
// More rows of a task get no letters: nobody reads them.
inline constexpr size_t kMostLetteredRows = 24;

struct LetteredTask {
  std::string task, metric, unit;
  bool higher_is_better = true;
  std::vector<size_t> cells = {};  // the best mean first
  std::vector<double> means = {};  // of each
  std::vector<std::string> texts =
      {};  // letters of each; empty, see `why_none`
  std::string why_none = {};
};
// Of the tasks of the plan.
std::vector<LetteredTask> LettersOf(const Results& results);

Table LettersTable(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_LETTERS_H_
