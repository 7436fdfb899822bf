// A table for a paper: booktabs' rules, numbers aligned at the point (siunitx),
// notes below (threeparttable). Nothing is wider than the text: columns that do
// not fit beside the labels go on in a further table, rows that do not fit on a
// page likewise.
#ifndef HARNESS_ANALYSIS_LATEX_TABLE_H_
#define HARNESS_ANALYSIS_LATEX_TABLE_H_

#include <string>

#include "harness/analysis/tables.h"

namespace sft::analysis {

// Tables without the comment below.
std::string RenderLatex(const Table& table, const RenderOptions& options);
// What the preamble must load, as a comment.
std::string LatexPreamble();

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_LATEX_TABLE_H_
