// Where the runs of a search stand: what the scores that are recorded say of
// each. Nothing is kept of it: whoever asks computes it from the plan and the
// records, on one machine, in a task, in a report, and all find the same.
#ifndef HARNESS_SEARCH_STANDINGS_H_
#define HARNESS_SEARCH_STANDINGS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/search/searcher.h"
#include "harness/spec/run_plan.h"

namespace sft::search {

// Runs that differ in their seed alone: they go on together, or not.
struct SearchedCell {
  std::vector<size_t> runs;  // places in the plan
};
// Cells that compete: those of one method that agree in the fields of
// select.per. No method is tuned by what another takes.
struct Bracket {
  std::vector<std::string>
      names;  // the method, then the values of those fields
  std::vector<SearchedCell> cells;  // in the plan's order, which is canonical
};

// What is recorded of a run at the end of a rung.
struct RunScore {
  enum class State {
    kUnknown,  // nothing yet
    kScored,
    kLost,  // nothing, and nothing will come: it diverged, or failed for good
  };
  State state = State::kUnknown;
  double loss = 0;  // the lower, the better
};
// Of the run at a place of the plan; the last rung is the run's end, where the
// loss does not matter.
using ScoreOfRun = std::function<RunScore(size_t run, int rung)>;

struct Standing {
  enum class Verdict {
    kNone,     // no run that is tuned
    kGoesTo,   // the end of `rung`
    kWaits,    // is there, and what else is at that rung decides
    kStopped,  // there for good: others were better
    kLost,     // did not come there
    kDone,     // at its own end
  };
  Verdict verdict = Verdict::kNone;
  int rung = 0;                // from 1
  std::optional<double> loss;  // of its cell, at the last rung that is decided
};

class Search {
 public:
  // Of a plan with a search; InvalidArgument where there is no such.
  static absl::StatusOr<Search> Of(const spec::RunPlan& plan);

  // nullopt where a plan's runs all go to their end: without a search, or by
  // one that stops none.
  static absl::StatusOr<std::optional<Search>> WithRungs(
      const spec::RunPlan& plan);

  int rungs() const { return static_cast<int>(shares_.size()); }
  // Of the budget, at the end of a rung.
  double ShareOf(int rung) const {
    return shares_[static_cast<size_t>(rung) - 1];
  }
  const std::vector<Bracket>& brackets() const { return brackets_; }

  // By place in the plan. `wanted`, where given: brackets without one of these
  // places are not looked at.
  std::vector<Standing> Standings(
      const ScoreOfRun& score,
      const std::vector<size_t>* wanted = nullptr) const;

  // How many of so many cells come to each rung, if none is lost.
  std::vector<size_t> CellsByRung(size_t cells) const;

 private:
  Search() = default;
  void Judge(const Bracket& bracket, const ScoreOfRun& score,
             std::vector<Standing>& standings) const;

  std::unique_ptr<Searcher> searcher_;
  std::vector<double> shares_;
  std::vector<Bracket> brackets_;
  size_t runs_ = 0;
};

}  // namespace sft::search

#endif  // HARNESS_SEARCH_STANDINGS_H_
