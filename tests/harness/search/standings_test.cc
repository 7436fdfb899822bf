#include "harness/search/standings.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/harness/search/search_plan.h"

namespace sft::search::standings_test {
namespace {

using Verdict = Standing::Verdict;

std::map<std::string, Standing> ById(const spec::RunPlan& plan,
                                     const MadeUpScores& scores) {
  const auto search = Search::Of(plan);
  REQUIRE(search.ok());
  const std::vector<Standing> standings =
      search->Standings(ScoresFrom(plan, scores));
  std::map<std::string, Standing> by_id;
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    by_id[plan.runs[i].run_id] = standings[i];
  }
  return by_id;
}

std::vector<std::string> IdsWith(const std::map<std::string, Standing>& all,
                                 Verdict verdict, int rung) {
  std::vector<std::string> ids;
  for (const auto& [id, one] : all) {
    if (one.verdict == verdict && one.rung == rung) ids.push_back(id);
  }
  return ids;
}

using Ids = std::vector<std::string>;

TEST_CASE("brackets are methods, cells are runs over their seeds",
          "[search][standings]") {
  const spec::RunPlan plan = SearchPlanOf({"full", "lora"}, 3, 2);
  const auto search = Search::Of(plan);
  REQUIRE(search.ok());
  REQUIRE(search->brackets().size() == 2);
  CHECK(search->brackets()[1].names == Ids{"lora"});
  REQUIRE(search->brackets()[1].cells.size() == 3);
  CHECK(search->brackets()[1].cells[1].runs == std::vector<size_t>{9, 10});
  CHECK(search->CellsByRung(9) == std::vector<size_t>{9, 3, 1});
  // Methods never compete, whatever select.per says.
  spec::RunPlan all = plan;
  all.select_per = {};
  CHECK(Search::Of(all)->brackets().size() == 2);
  // Its other fields part them further.
  all.select_per = {"method", "learning_rate"};
  CHECK(Search::Of(all)->brackets().size() == 6);
  CHECK_FALSE(Search::Of(spec::RunPlan()).ok());
  CHECK_FALSE(Search::WithRungs(spec::RunPlan())->has_value());
}

TEST_CASE("equal brackets take equal tokens for each method",
          "[search][standings]") {
  const spec::RunPlan plan = SearchPlanOf({"full", "lora", "hft"}, 9, 1);
  const auto search = Search::Of(plan);
  REQUIRE(search.ok());
  // Shares of a run's budget that a method takes, by whatever scores.
  const auto spent = [&](double turn) {
    MadeUpScores scores;
    std::map<std::string, double> shares;
    for (int round = 0; round < 3; ++round) {
      const auto all = ById(plan, scores);
      for (const spec::PlannedRun& run : plan.runs) {
        const Standing& one = all.at(run.run_id);
        if (one.verdict != Verdict::kGoesTo) continue;
        const double before = one.rung == 1 ? 0 : search->ShareOf(one.rung - 1);
        shares[run.config.method] += search->ShareOf(one.rung) - before;
        scores[{run.run_id, one.rung}] =
            Scored(turn * run.config.learning_rate);
      }
    }
    return shares;
  };
  for (const double turn : {1.0, -1.0}) {
    const auto shares = spent(turn);
    REQUIRE(shares.size() == 3);
    CHECK(shares.at("full") == Approx(1 + 2.0 / 3 + 2.0 / 3));
    CHECK(shares.at("lora") == shares.at("full"));
    CHECK(shares.at("hft") == shares.at("full"));
  }
}

TEST_CASE("a rung is decided when all of its bracket are there",
          "[search][standings]") {
  const spec::RunPlan plan = SearchPlanOf({"full", "lora"}, 3, 1);
  MadeUpScores scores;
  auto all = ById(plan, scores);
  CHECK(all.at("base").verdict == Verdict::kNone);
  CHECK(IdsWith(all, Verdict::kGoesTo, 1).size() == 6);
  scores[{"full-0-0", 1}] = Scored(3);
  scores[{"full-1-0", 1}] = Scored(1);
  all = ById(plan, scores);
  CHECK(IdsWith(all, Verdict::kWaits, 1) == Ids{"full-0-0", "full-1-0"});
  CHECK(IdsWith(all, Verdict::kGoesTo, 1).size() == 4);
  // The other method is not waited for.
  scores[{"full-2-0", 1}] = Scored(2);
  all = ById(plan, scores);
  CHECK(IdsWith(all, Verdict::kStopped, 1) == Ids{"full-0-0", "full-2-0"});
  CHECK(IdsWith(all, Verdict::kGoesTo, 2) == Ids{"full-1-0"});
  CHECK(all.at("full-0-0").loss == 3);
  CHECK(all.at("full-1-0").loss == 1);
  scores[{"full-1-0", 2}] = Scored(0.5);
  scores[{"full-1-0", 3}] = Scored(0);
  all = ById(plan, scores);
  CHECK(IdsWith(all, Verdict::kDone, 3) == Ids{"full-1-0"});
  CHECK(all.at("full-1-0").loss == 0.5);
  CHECK(IdsWith(all, Verdict::kGoesTo, 1).size() == 3);
}

TEST_CASE("of equal cells the first in canonical order goes on",
          "[search][standings]") {
  const spec::RunPlan plan = SearchPlanOf({"full"}, 9, 1);
  MadeUpScores scores;
  for (int cell = 0; cell < 9; ++cell) {
    scores[{"full-" + std::to_string(cell) + "-0", 1}] = Scored(2);
  }
  CHECK(IdsWith(ById(plan, scores), Verdict::kGoesTo, 2) ==
        Ids{"full-0-0", "full-1-0", "full-2-0"});
  scores[{"full-7-0", 1}] = Scored(1);
  CHECK(IdsWith(ById(plan, scores), Verdict::kGoesTo, 2) ==
        Ids{"full-0-0", "full-1-0", "full-7-0"});
}

TEST_CASE("the seeds of a cell go on together, by their mean",
          "[search][standings]") {
  const spec::RunPlan plan = SearchPlanOf({"full"}, 3, 2);
  MadeUpScores scores;
  const double losses[3][2] = {{1, 9}, {4, 4}, {5, 6}};
  for (int cell = 0; cell < 3; ++cell) {
    for (int seed = 0; seed < 2; ++seed) {
      scores[{"full-" + std::to_string(cell) + "-" + std::to_string(seed), 1}] =
          Scored(losses[cell][seed]);
    }
  }
  auto all = ById(plan, scores);
  CHECK(IdsWith(all, Verdict::kGoesTo, 2) == Ids{"full-1-0", "full-1-1"});
  CHECK(all.at("full-0-0").loss == 5);
  // A cell that lost a seed has no score: survivors are no fair sample.
  scores[{"full-1-1", 1}] = LostScore();
  all = ById(plan, scores);
  CHECK(IdsWith(all, Verdict::kGoesTo, 2) == Ids{"full-0-0", "full-0-1"});
  CHECK(all.at("full-1-0").verdict == Verdict::kStopped);
  CHECK(all.at("full-1-1").verdict == Verdict::kLost);
  // Where all did, nothing goes on.
  for (auto& [key, score] : scores) score = LostScore();
  all = ById(plan, scores);
  CHECK(IdsWith(all, Verdict::kLost, 1).size() == 6);
}

TEST_CASE("who asks of some runs looks at their brackets alone",
          "[search][standings]") {
  const spec::RunPlan plan = SearchPlanOf({"full", "lora"}, 3, 1);
  const auto search = Search::Of(plan);
  REQUIRE(search.ok());
  std::vector<std::string> asked;
  const std::vector<size_t> wanted = {5};
  const auto standings = search->Standings(
      [&](size_t run, int) {
        asked.push_back(plan.runs[run].config.method);
        return RunScore();
      },
      &wanted);
  CHECK(asked == Ids{"lora", "lora", "lora"});
  CHECK(standings[1].verdict == Verdict::kNone);
  CHECK(standings[5].verdict == Verdict::kGoesTo);
}

}  // namespace
}  // namespace sft::search::standings_test
