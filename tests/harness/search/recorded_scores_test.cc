#include "harness/search/recorded_scores.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "harness/record/validation_score.h"
#include "tests/harness/search/search_plan.h"
#include "tests/support/paths.h"

namespace sft::search::recorded_scores_test {
namespace {

using State = RunScore::State;

EvalRecord EvalOf(const std::string& task, const std::string& split,
                  double loss) {
  EvalRecord eval;
  eval.task = task;
  eval.split = split;
  eval.round = 1;
  MetricRecord metric;
  metric.name = "validation_loss";
  metric.value = loss;
  metric.higher_is_better = false;
  eval.metrics = {metric};
  return eval;
}

struct Folder {
  Folder() { REQUIRE(store.Open().ok()); }
  void Rung(const std::string& run_id, int rung, double loss) {
    record::RunRecord record;
    record.run_id = run_id;
    record.status = RunStatus::kStopped;
    record.evals = {EvalOf("a", record::RungSplit(rung), loss),
                    EvalOf("a", "validation", 100)};
    REQUIRE(store.PublishRung(record, rung).ok());
  }
  void Publish(const std::string& run_id, RunStatus status, int attempt = 1) {
    record::RunRecord record;
    record.run_id = run_id;
    record.status = status;
    REQUIRE(store.Publish(record, attempt).ok());
  }

  support::TempDir dir;
  record::RunStore store{record::RunPaths{dir.path().string()}};
  spec::RunPlan plan = SearchPlanOf({"full"}, 3, 1);
  RecordedScores scores{plan, store, 3, 2};
};

TEST_CASE("a run's score is that of its rung's record", "[search][scores]") {
  Folder folder;
  CHECK(folder.scores.Of(1, 1).state == State::kUnknown);
  folder.Rung("full-0-0", 1, 2.5);
  CHECK(folder.scores.Of(1, 1).state == State::kScored);
  CHECK(folder.scores.Of(1, 1).loss == 2.5);
  CHECK(folder.scores.Of(1, 2).state == State::kUnknown);
  // A record of the end says nothing of where rungs ended ...
  folder.Publish("full-0-0", RunStatus::kOk);
  CHECK(folder.scores.Of(1, 2).state == State::kUnknown);
  CHECK(folder.scores.Of(1, 3).state == State::kScored);
  // ... but that a run diverged.
  folder.Publish("full-1-0", RunStatus::kDiverged);
  CHECK(folder.scores.Of(2, 1).state == State::kLost);
  CHECK(folder.scores.Of(2, 3).state == State::kLost);
  CHECK(folder.scores.Check().ok());
}

TEST_CASE("a run is lost once its attempts are used up", "[search][scores]") {
  Folder folder;
  folder.Publish("full-0-0", RunStatus::kFailed, 1);
  CHECK(folder.scores.Of(1, 1).state == State::kUnknown);
  folder.Publish("full-0-0", RunStatus::kTimeout, 2);
  CHECK(folder.scores.Of(1, 1).state == State::kUnknown);
  folder.Publish("full-0-0", RunStatus::kFailed, 3);
  CHECK(folder.scores.Of(1, 1).state == State::kLost);
  // The rung that it came to before counts.
  folder.Rung("full-1-0", 1, 1);
  folder.Publish("full-1-0", RunStatus::kFailed, 1);
  folder.Publish("full-1-0", RunStatus::kFailed, 2);
  CHECK(folder.scores.Of(2, 1).state == State::kScored);
  CHECK(folder.scores.Of(2, 2).state == State::kLost);
}

TEST_CASE("a damaged record of a rung is believed by nobody",
          "[search][scores]") {
  Folder folder;
  folder.Rung("full-0-0", 1, 2.5);
  std::ofstream(folder.store.paths().Rung("full-0-0", 1)) << "no record";
  const auto search = Search::Of(folder.plan);
  REQUIRE(search.ok());
  const auto standings = RecordedStandings(*search, folder.scores);
  CHECK_FALSE(standings.ok());
  CHECK(std::string(standings.status().message()).find("rung1.h5") !=
        std::string::npos);
}

TEST_CASE("a score is the mean over tasks, or one task's", "[search][scores]") {
  record::RunRecord record;
  record.evals = {EvalOf("a", "validation", 1), EvalOf("b", "validation", 3),
                  EvalOf("b", "test", 50)};
  const auto score = [&](const std::string& measure) {
    const auto found = record::ScoreOfValidation(record, measure);
    return found ? found->value : -1;
  };
  CHECK(score("validation_loss") == 2);
  CHECK(score("b/validation_loss") == 3);
  CHECK(score("c/validation_loss") == -1);
  CHECK(score("accuracy") == -1);
  record.evals[1].round = 0;
  record.evals.push_back(EvalOf("b", "validation", 5));
  CHECK(score("validation_loss") == 3);
}

}  // namespace
}  // namespace sft::search::recorded_scores_test
