// How a table becomes columns of TeX: what each is, how wide it is in print,
// which columns fit beside the labels, and which rows on a page.
#ifndef HARNESS_ANALYSIS_LATEX_LAYOUT_H_
#define HARNESS_ANALYSIS_LATEX_LAYOUT_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "harness/analysis/tables.h"

namespace sft::analysis {

inline constexpr double kTextPt = 345;  // article's, of 10 pt

// One column of the table as TeX has it: one of numbers and, behind it, one of
// what stands beside them.
struct LatexColumn {
  size_t index = 0;  // of the table's
  std::string head;  // "S[table-format=1.3]"
  bool has_tail = false;
  double width = 0;  // both, without the gap
  bool is_paragraph = false;
};
// Of a text of that width. Labels share half of it where they are wide.
std::vector<LatexColumn> LatexColumns(const Table& table, double text_pt);

// Labels and what fits beside them, table after table.
std::vector<std::vector<size_t>> LatexParts(
    const Table& table, const std::vector<LatexColumn>& columns,
    double text_pt);
// Rows from the first number to the one before the second.
std::vector<std::pair<size_t, size_t>> LatexPages(
    const Table& table, const std::vector<LatexColumn>& columns,
    double text_pt);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_LATEX_LAYOUT_H_
