// Which cell of each method goes to the test set: the best by a validation
// measure, mean over seeds, one for each combination of `select.per`.
#ifndef HARNESS_ANALYSIS_SELECTION_H_
#define HARNESS_ANALYSIS_SELECTION_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"

namespace sft::analysis {

// Values of the `select.per` fields of a cell: what it competes within.
std::vector<std::string> SelectionGroup(const Results& results,
                                        const ResultCell& cell);

// Sets is_selected. Cells with failed or missing seeds compete only where no
// cell of the group is whole: survivors are no fair sample. Only validation
// splits are looked at. Adds a note where nothing can be selected, and where a
// group chose among more cells than another: the best of more is better by
// chance. `equal_budget`: as many compete in each group, those of larger ones
// drawn at random.
void SelectCells(Results& results, bool equal_budget = false);

// The cell that `cell` is compared with: the selected one of its baseline's
// group, or its baseline's own where nothing is selected. nullopt if none.
std::optional<size_t> BaselineCell(const Results& results,
                                   const ResultCell& cell);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_SELECTION_H_
