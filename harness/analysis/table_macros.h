// Numbers of tables as TeX commands, so that a paper's text states what the
// records hold: \newcommand{\sftLoraPackedAccuracy}{0.675}.
#ifndef HARNESS_ANALYSIS_TABLE_MACROS_H_
#define HARNESS_ANALYSIS_TABLE_MACROS_H_

#include <string>
#include <string_view>
#include <vector>

#include "harness/analysis/tables.h"

namespace sft::analysis {

// Letters alone, as TeX wants them: words begin with a capital, digits and
// signs are spelt. "lora r=8 1e-04" -> "LoraREightOneEMinusZeroFour".
std::string TexName(std::string_view text);

// A command a number and text: the prefix, the table's name (not of "main"),
// what labels the row, the column's key; of intervals and deviations three more
// that end in Low, High and Sd. The same records give the same names; a further
// row or column changes none.
std::string TableMacros(const std::vector<Table>& tables,
                        const std::string& prefix);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_TABLE_MACROS_H_
