// Two stores of records, A and B, as one list of cells: which of B's is the
// same as one of A's, and what a reader must know of where both come from.
#ifndef HARNESS_ANALYSIS_UNITED_STORES_H_
#define HARNESS_ANALYSIS_UNITED_STORES_H_

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/analysis/aggregate.h"

namespace sft::analysis {

struct UnitedStores {
  Results both;  // A's cells, then B's
  size_t cells_of_a = 0;
  std::vector<std::pair<size_t, size_t>> pairs;  // of A and of B, the same
  std::vector<size_t> only_a, only_b;
};
// Cells are the same whose configs differ in nothing, or whose runs have the
// same ids.
UnitedStores Unite(Results a, Results b);

// What the runs of one side that are ok are called: BuildOf, MachineOf.
std::set<std::string> NamesOf(const UnitedStores& stores, bool is_b,
                              std::string (*name_of)(const record::RunRecord&));
bool AreOfOneMachine(const UnitedStores& stores);

// Cells that one side alone has, with what sets them apart from their like;
// seeds, builds and machines that differ.
std::vector<std::string> NotesOnStores(const UnitedStores& stores);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_UNITED_STORES_H_
