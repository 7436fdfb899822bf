#include "harness/launch/plan_search.h"

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/search/standings.h"

namespace sft::launch {

absl::StatusOr<std::vector<std::string>> DescribeSearch(
    const spec::RunPlan& plan, const std::vector<int64_t>& tokens) {
  std::vector<std::string> lines;
  SFT_ASSIGN_OR_RETURN(const auto search, search::Search::WithRungs(plan));
  if (!search.has_value()) return lines;
  double spent_in_all = 0, grid_in_all = 0;
  for (const search::Bracket& bracket : search->brackets()) {
    double grid = 0;
    for (const search::SearchedCell& cell : bracket.cells) {
      for (const size_t run : cell.runs) {
        grid += static_cast<double>(tokens[run]);
      }
    }
    // Which cells go on is not known: each counts as the mean of all does.
    const double of_cell = grid / static_cast<double>(bracket.cells.size());
    const std::vector<size_t> counts =
        search->CellsByRung(bracket.cells.size());
    double spent = 0, before = 0;
    std::vector<std::string> rungs;
    for (int rung = 1; rung <= search->rungs(); ++rung) {
      const size_t cells = counts[static_cast<size_t>(rung) - 1];
      const double share = search->ShareOf(rung);
      spent += static_cast<double>(cells) * of_cell * (share - before);
      before = share;
      rungs.push_back(absl::StrFormat("%d to %.3g", cells, share));
    }
    spent_in_all += spent;
    grid_in_all += grid;
    lines.push_back(absl::StrFormat(
        "search: %s: %s of their budget, about %.0f real tokens",
        absl::StrJoin(bracket.names, " "), absl::StrJoin(rungs, ", "), spent));
  }
  lines.push_back(absl::StrFormat(
      "search: about %.0f real tokens, %.0f %% of what all cells would take to "
      "their end",
      spent_in_all, 100 * spent_in_all / grid_in_all));
  return lines;
}

}  // namespace sft::launch
