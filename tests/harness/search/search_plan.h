// Plans with a search and scores made up by hand.
#ifndef TESTS_HARNESS_SEARCH_SEARCH_PLAN_H_
#define TESTS_HARNESS_SEARCH_SEARCH_PLAN_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/search/standings.h"

namespace sft::search {

// An untuned run, then for each method `cells` cells of `seeds` seeds; ids are
// as "full-2-0": method, cell, seed.
inline spec::RunPlan SearchPlanOf(const std::vector<std::string>& methods,
                                  int cells, int seeds,
                                  const SearchOptions& options = {
                                      {"rungs", "3"}, {"reduction", "3"}}) {
  spec::RunPlan plan;
  plan.search = {"halving", options};
  plan.select_by = "validation_loss";
  plan.select_per = {"method"};
  spec::PlannedRun base;
  base.run_id = base.untuned_id = "base";
  base.config.method = spec::kUntuned;
  plan.runs.push_back(base);
  for (const std::string& method : methods) {
    for (int cell = 0; cell < cells; ++cell) {
      for (int seed = 0; seed < seeds; ++seed) {
        spec::PlannedRun run;
        run.run_id =
            method + "-" + std::to_string(cell) + "-" + std::to_string(seed);
        run.untuned_id = "base";
        run.config.method = method;
        run.config.learning_rate = 0.001 * (cell + 1);
        run.config.seed = seed;
        run.axes = {{"method", method}, {"cell", std::to_string(cell)}};
        plan.runs.push_back(run);
      }
    }
  }
  return plan;
}

// Scores by id and rung; what is not there is unknown.
using MadeUpScores = std::map<std::pair<std::string, int>, RunScore>;
inline RunScore Scored(double loss) { return {RunScore::State::kScored, loss}; }
inline RunScore LostScore() { return {RunScore::State::kLost, 0}; }

inline ScoreOfRun ScoresFrom(const spec::RunPlan& plan,
                             const MadeUpScores& scores) {
  return [&plan, &scores](size_t run, int rung) {
    const auto it = scores.find({plan.runs[run].run_id, rung});
    return it == scores.end() ? RunScore() : it->second;
  };
}

}  // namespace sft::search

#endif  // TESTS_HARNESS_SEARCH_SEARCH_PLAN_H_
