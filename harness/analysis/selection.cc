#include "harness/analysis/selection.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "harness/analysis/statistics.h"
#include "harness/core/rng.h"
#include "harness/record/validation_score.h"

namespace sft::analysis {
namespace {

struct Score {
  double mean = 0;
  bool higher_is_better = false;
  bool is_whole = false;
};

std::optional<Score> ScoreOfCell(const Results& results,
                                 const ResultCell& cell) {
  Score score;
  std::vector<double> values;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    const std::optional<record::ValidationScore> of_run =
        record::ScoreOfValidation(*run.record, results.select_by);
    if (!of_run.has_value()) continue;
    score.higher_is_better = of_run->higher_is_better;
    values.push_back(of_run->value);
  }
  if (values.empty()) return std::nullopt;
  score.mean = Mean(values);
  score.is_whole = values.size() == cell.runs.size();
  return score;
}

// The cells of each group that have a score, those of larger groups cut to the
// smallest one's number where that is asked for.
std::set<size_t> CompetingCells(Results& results, bool equal_budget) {
  std::map<std::vector<std::string>, std::vector<size_t>> groups;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const ResultCell& cell = results.cells[i];
    if (!cell.is_untuned && ScoreOfCell(results, cell).has_value()) {
      groups[SelectionGroup(results, cell)].push_back(i);
    }
  }
  size_t least = results.cells.size(), most = 0;
  std::string sizes;
  for (const auto& [group, cells] : groups) {
    least = std::min(least, cells.size());
    most = std::max(most, cells.size());
    absl::StrAppend(&sizes, sizes.empty() ? "" : "; ", CanonicalText(group),
                    " ", cells.size());
  }
  std::set<size_t> competing;
  for (auto& [group, cells] : groups) {
    if (equal_budget && cells.size() > least) {
      Rng(0, Stream::kBootstrap, "equal budget\n" + CanonicalText(group))
          .Shuffle(cells);
      cells.resize(least);
    }
    competing.insert(cells.begin(), cells.end());
  }
  if (most > least) {
    results.notes.push_back(absl::StrCat(
        "Tuning budgets differ, in rows that a choice was made of: ", sizes,
        equal_budget
            ? absl::StrCat(". Of each, ", least,
                           " compete, drawn at random where there were more.")
            : ". The best of more is better by chance; --equal-budget lets as "
              "many of each compete."));
  }
  return competing;
}

bool IsBetter(const Score& a, const Score& b) {
  if (a.is_whole != b.is_whole) return a.is_whole;
  return a.higher_is_better ? a.mean > b.mean : a.mean < b.mean;
}

}  // namespace

std::vector<std::string> SelectionGroup(const Results& results,
                                        const ResultCell& cell) {
  const std::map<std::string, std::string> fields =
      spec::ConfigFields(results.runs[cell.runs[0]].planned.config);
  std::vector<std::string> group;
  for (const std::string& name : results.select_per) {
    const auto it = fields.find(name);
    group.push_back(it == fields.end() ? "" : it->second);
  }
  return group;
}

void SelectCells(Results& results, bool equal_budget) {
  if (results.select_by.empty()) return;
  const std::set<size_t> competing = CompetingCells(results, equal_budget);
  std::map<std::vector<std::string>, std::pair<size_t, Score>> best;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const ResultCell& cell = results.cells[i];
    if (cell.is_untuned || competing.count(i) == 0) continue;
    const std::optional<Score> score = ScoreOfCell(results, cell);
    if (!score.has_value()) continue;
    const auto [it, is_new] =
        best.emplace(SelectionGroup(results, cell), std::pair(i, *score));
    if (!is_new && IsBetter(*score, it->second.second)) {
      it->second = {i, *score};
    }
  }
  for (const auto& [group, winner] : best) {
    results.cells[winner.first].is_selected = true;
    if (!winner.second.is_whole) {
      results.notes.push_back(absl::StrCat(
          "The row selected for ", CanonicalText(group),
          " has failed or missing seeds; no row of its group is whole."));
    }
  }
  const bool anything_done = std::any_of(
      results.runs.begin(), results.runs.end(), [](const CollectedRun& run) {
        return run.ok() && run.planned.config.method != spec::kUntuned;
      });
  if (best.empty() && anything_done) {
    results.notes.push_back(
        absl::StrCat("Nothing is selected: no validation "
                     "measure is named '",
                     results.select_by, "'."));
  }
}

std::optional<size_t> BaselineCell(const Results& results,
                                   const ResultCell& cell) {
  std::string baseline_id;
  for (const size_t index : cell.runs) {
    baseline_id = results.runs[index].planned.baseline_id;
    if (!baseline_id.empty()) break;
  }
  if (baseline_id.empty()) return std::nullopt;
  const std::optional<size_t> own = results.CellOf(baseline_id);
  if (!own.has_value() || results.select_by.empty()) return own;
  const std::vector<std::string> group =
      SelectionGroup(results, results.cells[*own]);
  for (size_t i = 0; i < results.cells.size(); ++i) {
    if (results.cells[i].is_selected &&
        SelectionGroup(results, results.cells[i]) == group) {
      return i;
    }
  }
  return own;
}

}  // namespace sft::analysis
