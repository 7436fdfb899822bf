// A table in the columns of a terminal: no line is longer than it, long texts
// go on in the next line of their column, and columns that do not fit are named
// below it.
#ifndef HARNESS_ANALYSIS_TEXT_TABLE_H_
#define HARNESS_ANALYSIS_TEXT_TABLE_H_

#include <string>
#include <vector>

#include "harness/analysis/tables.h"

namespace sft::analysis {

std::string RenderText(const Table& table, const RenderOptions& options);
// Lines that begin with "- ", broken at the width.
std::string TextNotes(const std::vector<std::string>& notes,
                      const RenderOptions& options);
// In bold, broken at the width.
std::string TextHeading(const std::string& text, const RenderOptions& options);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_TEXT_TABLE_H_
