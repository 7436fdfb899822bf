// A run that pauses at the rungs of a search and goes on is the run that never
// paused: at whatever point either is stopped besides.
#include <filesystem>
#include <fstream>

#include "experiments/command_line.h"
#include "harness/launch/execute_run.h"
#include "harness/launch/plan_checks.h"
#include "harness/record/run_store.h"
#include "harness/record/validation_score.h"
#include "harness/spec/experiment_spec.h"
#include "methods/method_checks.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"

namespace sft::experiments::search_run_test {
namespace {

constexpr char kHead[] =
    "question: is a paused run the same run?\n"
    "model: glassllm\n"
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes, bbc_headlines]}\n"
    "select: {by: validation_loss, per: [method]}\n";
constexpr char kTail[] =
    "set: {batch_size: 2, max_length: 64, test_limit: 8, validation_limit: 4,\n"
    "      threads: 1, eval_every_steps: 3, train_limit: 40,\n"
    "      lora.dropout: 0.1}\n"
    "grid: {method: [full, lora], batching: [padded, packed]}\n";

std::string SearchSpec(
    const std::string& budget = "steps: 18",
    const std::string& search = "kind: halving, rungs: 3, reduction: 3") {
  return absl::StrCat(kHead, "budget: {", budget, "}\nsearch: {", search, "}\n",
                      kTail);
}

absl::StatusOr<spec::RunPlan> PlanOfText(const std::string& text) {
  const launch::Workbench& bench = TheWorkbench();
  const auto spec = spec::ReadSpecText("spec.yaml", text, bench.Tables());
  if (!spec.ok()) return spec.status();
  auto checked = launch::MakePlan(bench, *spec, methods::AllMethodChecks());
  if (!checked.ok()) return checked.status();
  return std::move(checked->plan);
}

struct SearchedRuns {
  SearchedRuns() {
    support::RequireAssets("models/glassllm/config.json");
    auto made = PlanOfText(SearchSpec());
    INFO(made.status().ToString());
    REQUIRE(made.ok());
    plan = *std::move(made);
    REQUIRE(plan.runs.size() == 5);
  }
  launch::WorkerOutcome Execute(size_t run, launch::WorkerOptions& options,
                                int rung) const {
    options.rung = rung;
    const auto outcome =
        launch::ExecuteRun(TheWorkbench(), plan.runs[run], plan, options);
    INFO(outcome.status().ToString());
    REQUIRE(outcome.ok());
    return *outcome;
  }
  spec::RunPlan plan;
};

std::string FinalDigest(const record::RunStore& store,
                        const std::string& run_id) {
  const auto record = store.ReadFinal(run_id);
  INFO(record.status().ToString());
  REQUIRE(record.ok());
  return record::ContentSha256(*record);
}

// To the end by way of these rungs. `most`: stops it when it is asked for the
// so-manyth time whether it must, and so on; 0: never.
struct Digests {
  std::string end;
  std::vector<std::string> rungs;
};
Digests ByWayOf(const SearchedRuns& searched, size_t run,
                const std::vector<int>& rungs, int64_t most = 0) {
  const support::TempDir dir;
  launch::WorkerOptions options;
  options.paths.out = dir.path().string();
  options.checkpoint_every = absl::InfiniteDuration();
  const record::RunStore store(options.paths);
  const std::string& run_id = searched.plan.runs[run].run_id;
  Digests digests;
  int stops = 0;
  for (const int rung : rungs) {
    while (true) {
      int64_t asked = 0;
      options.should_stop = [&] { return most > 0 && ++asked >= most; };
      const launch::WorkerOutcome outcome =
          searched.Execute(run, options, rung);
      if (outcome == launch::WorkerOutcome::kPublished) break;
      REQUIRE(outcome == launch::WorkerOutcome::kInterrupted);
      REQUIRE(++stops < 200);
      most += most / 3 + 1;
    }
    if (rung == 0) break;
    CHECK_FALSE(store.Stands(run_id));
    const auto record = store.ReadRung(run_id, rung);
    REQUIRE(record.ok());
    digests.rungs.push_back(record::ContentSha256(*record));
  }
  digests.end = FinalDigest(store, run_id);
  return digests;
}

TEST_CASE("a promoted run ends as one that never paused",
          "[experiments][search]") {
  const SearchedRuns searched;
  for (size_t run = 1; run < searched.plan.runs.size(); ++run) {
    INFO(searched.plan.runs[run].config.method
         << " " << searched.plan.runs[run].config.batching);
    const Digests straight = ByWayOf(searched, run, {0});
    const Digests paused = ByWayOf(searched, run, {1, 2, 0});
    CHECK(paused.end == straight.end);
    CHECK(ByWayOf(searched, run, {2, 0}).end == straight.end);
    // A rung that was reached from another is the same rung.
    CHECK(ByWayOf(searched, run, {2, 0}).rungs.back() == paused.rungs[1]);
  }
}

TEST_CASE("so it does when it is stopped on its way, at its rungs too",
          "[experiments][search][slow]") {
  const SearchedRuns searched;
  const size_t run = 4;
  const Digests straight = ByWayOf(searched, run, {1, 2, 0});
  for (const int64_t most : {1, 7, 40}) {
    INFO(most);
    const Digests stopped = ByWayOf(searched, run, {1, 2, 0}, most);
    CHECK(stopped.end == straight.end);
    CHECK(stopped.rungs == straight.rungs);
  }
}

TEST_CASE("a rung's record holds its scores, and the final one nothing of it",
          "[experiments][search]") {
  const SearchedRuns searched;
  const support::TempDir dir;
  launch::WorkerOptions options;
  options.paths.out = dir.path().string();
  const std::string& run_id = searched.plan.runs[1].run_id;
  const record::RunStore store(options.paths);
  CHECK(searched.Execute(1, options, 1) == launch::WorkerOutcome::kPublished);
  const auto rung = store.ReadRung(run_id, 1);
  REQUIRE(rung.ok());
  CHECK(rung->status == RunStatus::kStopped);
  // Of 18 steps about two: steps differ in tokens.
  CHECK(rung->steps.size() >= 1);
  CHECK(rung->steps.size() <= 4);
  CHECK(rung->status_message ==
        absl::StrCat("rung 1 of 3, step ", rung->steps.size(), " of 18"));
  const auto score =
      record::ScoreOfValidation(*rung, "validation_loss", record::RungSplit(1));
  REQUIRE(score.has_value());
  CHECK(score->value > 0);
  // Test rows were read for the base model alone.
  for (const EvalRecord& eval : rung->evals) {
    if (eval.split == "test") CHECK(eval.round == 0);
  }
  // It stands: nothing is done again.
  CHECK(searched.Execute(1, options, 1) == launch::WorkerOutcome::kPublished);
  CHECK(searched.Execute(1, options, 0) == launch::WorkerOutcome::kPublished);
  const auto final = store.ReadFinal(run_id);
  REQUIRE(final.ok());
  for (const EvalRecord& eval : final->evals) {
    CHECK(eval.split.find("rung") == std::string::npos);
  }
  REQUIRE(final->steps.size() == 18);
  // The schedule is that of the whole budget.
  for (size_t i = 0; i < rung->steps.size(); ++i) {
    CHECK(rung->steps[i].learning_rate == final->steps[i].learning_rate);
    CHECK(rung->steps[i].loss == final->steps[i].loss);
  }
}

TEST_CASE("a rung cannot be measured behind its end", "[experiments][search]") {
  const SearchedRuns searched;
  const support::TempDir dir;
  launch::WorkerOptions options;
  options.paths.out = dir.path().string();
  const record::RunStore store(options.paths);
  const std::string& run_id = searched.plan.runs[1].run_id;
  CHECK(searched.Execute(1, options, 2) == launch::WorkerOutcome::kPublished);
  CHECK(searched.Execute(1, options, 1) == launch::WorkerOutcome::kFailed);
  const auto attempt = store.ReadLastAttempt(run_id);
  REQUIRE(attempt.ok());
  CHECK(attempt->status_message.find("begin it anew") != std::string::npos);
}

TEST_CASE("a search that cannot be is refused with its line",
          "[experiments][search]") {
  using Catch::Matchers::Contains;
  using Catch::Matchers::StartsWith;
  support::RequireAssets("models/glassllm/config.json");
  const auto refusal = [](const std::string& text) {
    return std::string(PlanOfText(text).status().message());
  };
  CHECK_THAT(refusal(SearchSpec("wall_seconds: 5")),
             StartsWith("spec.yaml:7: search: ") &&
                 Contains("seconds cannot be counted"));
  CHECK_THAT(refusal(SearchSpec("steps: 8")),
             StartsWith("spec.yaml:7: search: ") &&
                 Contains("takes 8 steps; wanted at least 18"));
  std::string two = SearchSpec();
  two.replace(two.find("train: [rotten_tomatoes]"), 24,
              "train: [rotten_tomatoes, bbc_headlines]");
  CHECK_THAT(refusal(two), Contains("a share of one stage"));
  CHECK_THAT(
      refusal(SearchSpec() + "cases: [{when: {method: lora}, grid: {lora.rank: "
                             "[4, 8]}}]\n"),
      StartsWith("spec.yaml:7: search: ") &&
          Contains("'full' has 2 cells and 'lora' has 4") &&
          Contains("no method is tuned more than another"));
  CHECK_THAT(refusal(SearchSpec() + "exclude: [{method: lora, batching: "
                                    "packed}]\n"),
             Contains("'full' has 2 cells and 'lora' has 1"));
  CHECK(PlanOfText(SearchSpec("wall_seconds: 5", "kind: random, draws: 2") +
                   "cases: [{when: {method: [full, lora]}, grid: "
                   "{learning_rate: {loguniform: [1e-5, 1e-3]}}}]\n")
            .ok());
}

}  // namespace
}  // namespace sft::experiments::search_run_test
