#include "harness/launch/search_rules.h"

#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/search/standings.h"

namespace sft::launch {
namespace {

// Of the first rung. Under a warm-up the first step's rate is 0: after it alone
// all cells are equal.
constexpr int64_t kLeastSteps = 2;

std::optional<spec::Finding> SearchFinding(std::string reason) {
  return spec::Finding{"search", std::move(reason)};
}

std::string NameOfBracket(const search::Bracket& bracket) {
  return absl::StrCat("'", absl::StrJoin(bracket.names, " "), "'");
}

std::set<int64_t> SeedsOf(const search::SearchedCell& cell,
                          const spec::RunPlan& plan) {
  std::set<int64_t> seeds;
  for (const size_t run : cell.runs) seeds.insert(plan.runs[run].config.seed);
  return seeds;
}

}  // namespace

std::optional<spec::Finding> SearchIsFair(const PlanFacts& facts) {
  if (facts.plan.search.kind.empty()) return std::nullopt;
  const auto search = search::Search::Of(facts.plan);
  if (!search.ok()) return SearchFinding(ToStd(search.status().message()));
  const search::Bracket* first = nullptr;
  for (const search::Bracket& bracket : search->brackets()) {
    if (first == nullptr) first = &bracket;
    if (bracket.cells.size() != first->cells.size()) {
      return SearchFinding(absl::StrCat(
          NameOfBracket(*first), " has ", first->cells.size(), " cells and ",
          NameOfBracket(bracket), " has ", bracket.cells.size(),
          facts.plan.rejected.empty()
              ? ""
              : absl::StrCat(" (", facts.plan.rejected.size(),
                             " cells are rejected)"),
          ": no method is tuned more than another; give each as many values, "
          "or as many draws"));
    }
    for (const search::SearchedCell& cell : bracket.cells) {
      if (SeedsOf(cell, facts.plan) == SeedsOf(first->cells[0], facts.plan)) {
        continue;
      }
      return SearchFinding(absl::StrCat(
          "a cell of ", NameOfBracket(bracket),
          " has other seeds than the first of ", NameOfBracket(*first),
          ": cells are compared by the mean over the same seeds"));
    }
  }
  return std::nullopt;
}

std::optional<spec::Finding> RungsCanPause(const PlanFacts& facts) {
  const auto search = search::Search::WithRungs(facts.plan);
  if (!search.ok() || !search->has_value()) return std::nullopt;
  for (const spec::PlannedRun& run : facts.plan.runs) {
    if (run.config.budget_wall_seconds > 0) {
      return SearchFinding(
          "a rung is a share of the budget, and seconds cannot be counted "
          "beforehand; wanted budget: {steps|target_tokens|epochs: n}");
    }
    if (run.config.train.size() > 1) {
      return SearchFinding(absl::StrCat(
          "a rung is a share of one stage, and train: names ",
          run.config.train.size(),
          ", whose test rows are scored one after the other; wanted one, or "
          "search: {kind: random}"));
    }
  }
  return std::nullopt;
}

std::optional<spec::Finding> RungsHoldSteps(const CostFacts& facts) {
  const spec::SpecSearch& wanted = facts.search;
  if (wanted.kind.empty() || facts.config.method == spec::kUntuned) {
    return std::nullopt;
  }
  const auto searcher = search::MakeSearcher(wanted.kind, wanted.options);
  if (!searcher.ok()) return std::nullopt;  // said of the plan
  const std::vector<double> shares = (*searcher)->Shares();
  if (shares.size() < 2) return std::nullopt;
  const auto parts = static_cast<int64_t>(std::ceil(1 / shares[0] - 1e-9));
  const int64_t least = kLeastSteps * parts;
  if (facts.cost.steps >= least) return std::nullopt;
  return SearchFinding(
      absl::StrCat("the first of ", shares.size(), " rungs is 1/", parts,
                   " of the budget, and this run takes ", facts.cost.steps,
                   " steps; wanted at least ", least, ", or fewer rungs"));
}

}  // namespace sft::launch
