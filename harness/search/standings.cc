#include "harness/search/standings.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "harness/core/status.h"

namespace sft::search {
namespace {

using Verdict = Standing::Verdict;

std::vector<Bracket> BracketsOf(const spec::RunPlan& plan) {
  std::vector<Bracket> brackets;
  std::map<std::vector<std::string>, size_t> places;
  std::map<std::string, std::pair<size_t, size_t>> cells;  // by config
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    spec::RunConfig config = plan.runs[i].config;
    if (config.method == spec::kUntuned) continue;
    config.seed = 0;
    const auto [cell, is_new] = cells.try_emplace(config.CanonicalConfigText());
    if (is_new) {
      std::vector<std::string> names = {config.method};
      const std::map<std::string, std::string> fields =
          spec::ConfigFields(config);
      for (const std::string& name : plan.select_per) {
        const auto field = fields.find(name);
        if (name == "method") continue;
        names.push_back(field == fields.end() ? "" : field->second);
      }
      const auto place = places.try_emplace(names, brackets.size()).first;
      if (place->second == brackets.size()) brackets.push_back({names, {}});
      cell->second = {place->second, brackets[place->second].cells.size()};
      brackets[place->second].cells.emplace_back();
    }
    const auto [bracket, at] = cell->second;
    brackets[bracket].cells[at].runs.push_back(i);
  }
  return brackets;
}

}  // namespace

absl::StatusOr<Search> Search::Of(const spec::RunPlan& plan) {
  Search search;
  SFT_ASSIGN_OR_RETURN(search.searcher_,
                       MakeSearcher(plan.search.kind, plan.search.options));
  search.shares_ = search.searcher_->Shares();
  search.brackets_ = BracketsOf(plan);
  search.runs_ = plan.runs.size();
  return search;
}

absl::StatusOr<std::optional<Search>> Search::WithRungs(
    const spec::RunPlan& plan) {
  if (plan.search.kind.empty()) return std::optional<Search>();
  SFT_ASSIGN_OR_RETURN(Search search, Of(plan));
  if (search.rungs() < 2) return std::optional<Search>();
  return std::optional(std::move(search));
}

std::vector<Standing> Search::Standings(
    const ScoreOfRun& score, const std::vector<size_t>* wanted) const {
  std::vector<Standing> standings(runs_);
  std::set<size_t> own;
  if (wanted != nullptr) own.insert(wanted->begin(), wanted->end());
  for (const Bracket& bracket : brackets_) {
    const bool is_wanted =
        wanted == nullptr ||
        std::any_of(bracket.cells.begin(), bracket.cells.end(),
                    [&own](const SearchedCell& cell) {
                      return std::any_of(
                          cell.runs.begin(), cell.runs.end(),
                          [&own](size_t run) { return own.contains(run); });
                    });
    if (is_wanted) Judge(bracket, score, standings);
  }
  return standings;
}

void Search::Judge(const Bracket& bracket, const ScoreOfRun& score,
                   std::vector<Standing>& standings) const {
  std::vector<size_t> entered(bracket.cells.size());
  for (size_t i = 0; i < entered.size(); ++i) entered[i] = i;
  for (int rung = 1; rung <= rungs(); ++rung) {
    const bool is_last = rung == rungs();
    bool is_decided = !is_last;
    CellScores scores;
    for (const size_t cell : entered) {
      double sum = 0;
      bool has_all = true;
      for (const size_t run : bracket.cells[cell].runs) {
        const RunScore one = score(run, rung);
        standings[run].rung = rung;
        switch (one.state) {
          case RunScore::State::kUnknown:
            standings[run].verdict = Verdict::kGoesTo;
            is_decided = has_all = false;
            break;
          case RunScore::State::kLost:
            standings[run].verdict = Verdict::kLost;
            has_all = false;
            break;
          case RunScore::State::kScored:
            standings[run].verdict = is_last ? Verdict::kDone : Verdict::kWaits;
            sum += one.loss;
            break;
        }
      }
      scores.push_back(
          has_all ? std::optional(sum / static_cast<double>(
                                            bracket.cells[cell].runs.size()))
                  : std::nullopt);
    }
    if (!is_decided) return;
    const std::vector<size_t> going =
        searcher_->GoOn(static_cast<size_t>(rung) - 1, scores);
    std::vector<size_t> next;
    for (const size_t place : going) next.push_back(entered[place]);
    for (size_t i = 0; i < entered.size(); ++i) {
      for (const size_t run : bracket.cells[entered[i]].runs) {
        standings[run].loss = scores[i];
        if (standings[run].verdict == Verdict::kWaits) {
          standings[run].verdict = Verdict::kStopped;
        }
      }
    }
    entered = std::move(next);
  }
}

std::vector<size_t> Search::CellsByRung(size_t cells) const {
  std::vector<size_t> counts;
  for (size_t rung = 0; rung < shares_.size(); ++rung) {
    counts.push_back(cells);
    if (rung + 1 == shares_.size()) break;
    cells = searcher_->GoOn(rung, CellScores(cells, 0.0)).size();
  }
  return counts;
}

}  // namespace sft::search
