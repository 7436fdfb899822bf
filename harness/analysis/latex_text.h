// Text as TeX reads it, and how wide it is in print.
#ifndef HARNESS_ANALYSIS_LATEX_TEXT_H_
#define HARNESS_ANALYSIS_LATEX_TEXT_H_

#include <cstddef>
#include <string>

#include "harness/analysis/tables.h"

namespace sft::analysis {

std::string EscapedLatex(const std::string& text);
// May break behind what joins the words of a name.
std::string Breakable(const std::string& escaped);
std::string InMath(const std::string& number);
// A p, with a power of ten where it is small.
std::string LatexP(const TableCell& cell);
// "a", "b", ...: what a note of a table is called.
std::string NoteName(size_t n);

// In points of cmr8, that is \footnotesize: never less than in print. The
// second of the longest part that does not break.
double WidthPt(const std::string& text);
double LongestPartPt(const std::string& text);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_LATEX_TEXT_H_
