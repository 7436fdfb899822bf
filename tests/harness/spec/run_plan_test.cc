#include "harness/spec/run_plan.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::run_plan_test {
namespace {

constexpr char kHead[] =
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes]}\n";

const PlannedRun& Find(const RunPlan& plan, const std::string& id) {
  for (const PlannedRun& run : plan.runs) {
    if (run.run_id == id) return run;
  }
  FAIL("no run " << id);
  return plan.runs[0];
}

TEST_CASE("the design's spec spans its cells once, the untuned model first",
          "[spec][expand]") {
  const auto plan = PlanOf(kDesignSpec);
  REQUIRE(plan.ok());
  // (2 methods x 2 rates + 2 methods x 2 rates x 2 ranks) x 2 x 3, + untuned.
  CHECK(plan->runs.size() == 12 * 6 + 1);
  CHECK(plan->rejected.empty());
  CHECK(plan->axis_names == std::vector<std::string>{"method", "batching",
                                                     "seed", "learning_rate",
                                                     "lora.rank"});
  std::set<std::string> ids;
  for (const PlannedRun& run : plan->runs) ids.insert(run.run_id);
  CHECK(ids.size() == plan->runs.size());

  const PlannedRun& untuned = plan->runs[0];
  CHECK(untuned.config.method == kUntuned);
  CHECK(untuned.config.train.empty());
  CHECK(untuned.config.max_length == 256);
  CHECK(untuned.config.budget_target_tokens == 0);
  CHECK(untuned.config.method_options.empty());
  CHECK(untuned.axes.at("method") == kUntuned);
  CHECK(untuned.axes.count("learning_rate") == 0);
  CHECK(plan->runs[1].config.method == "full");
  CHECK(plan->runs[1].axes.count("lora.rank") == 0);
  for (const PlannedRun& run : plan->runs) {
    if (&run != &untuned) CHECK(run.untuned_id == untuned.run_id);
  }
}

TEST_CASE("each run is paired with the baseline of its seed and batches",
          "[spec][expand]") {
  const auto plan = PlanOf(kDesignSpec);
  REQUIRE(plan.ok());
  for (const PlannedRun& run : plan->runs) {
    if (run.config.method == "full" || run.config.method == kUntuned) {
      CHECK(run.baseline_id.empty());
      continue;
    }
    const PlannedRun& baseline = Find(*plan, run.baseline_id);
    CHECK(baseline.config.method == "full");
    CHECK(baseline.config.seed == run.config.seed);
    CHECK(baseline.config.batching == run.config.batching);
    if (run.config.method == "hft") {
      CHECK(baseline.config.learning_rate == run.config.learning_rate);
    }
  }
}

TEST_CASE("an axis that a method lacks multiplies no cell", "[spec][expand]") {
  const auto plan = PlanOf(std::string(kHead) +
                           "budget: {steps: 5}\n"
                           "grid: {method: [full, lora], lora.rank: [4, 8], "
                           "batching: [padded, packed], pack.strategy: [bfd, "
                           "ffd]}\n");
  REQUIRE(plan.ok());
  CHECK(plan->runs.size() == 1 + (1 + 2) * (1 + 2));
  const PlannedRun& full = plan->runs[1];
  CHECK(full.config.method == "full");
  CHECK(full.config.method_options.empty());
  CHECK(full.axes.count("lora.rank") == 0);
}

TEST_CASE("threads: auto is a number in the plan, and the id is of it",
          "[spec][expand]") {
  const auto plan_of = [](const std::string& threads, int64_t cores) {
    SpecTables tables = TestTables();
    tables.cores = cores;
    const auto spec = ParseSpecText(
        "spec.yaml",
        std::string(kHead) + "budget: {steps: 5}\nset: {threads: " + threads +
            "}\ngrid: {method: [full]}\n",
        tables);
    REQUIRE(spec.ok());
    const auto plan = ExpandPlan(*spec, tables, [](const RunConfig& config) {
      return absl::StatusOr<std::vector<std::string>>({config.model});
    });
    REQUIRE(plan.ok());
    return plan->runs.back();
  };
  const PlannedRun automatic = plan_of("auto", 6);
  CHECK(automatic.config.threads == 6);
  CHECK(automatic.run_id == plan_of("6", 1).run_id);
  CHECK(automatic.run_id != plan_of("auto", 8).run_id);
  CHECK_FALSE(PlanOf(std::string(kHead) +
                     "budget: {steps: 5}\nset: {threads: many}\n"
                     "grid: {method: [full]}\n")
                  .ok());
}

TEST_CASE("options get their defaults, and later parts of a spec win",
          "[spec][expand]") {
  const auto plan =
      PlanOf(std::string(kHead) +
             "budget: {steps: 5}\n"
             "set: {learning_rate: 0.5, lora.init: pissa}\n"
             "grid: {method: [full, lora]}\n"
             "zip: [{seed: [3, 4], threads: [1, 2]}]\n"
             "cases: [{when: {method: lora}, set: {learning_rate: 0.25}}, "
             "{when: {learning_rate: 0.25, seed: 4}, set: {lora.rank: 2}}]\n");
  REQUIRE(plan.ok());
  std::vector<std::string> seen;
  for (const PlannedRun& run : plan->runs) {
    if (run.config.method != "lora") continue;
    CHECK(run.config.learning_rate == 0.25);
    CHECK(run.config.threads == run.config.seed - 2);
    CHECK(run.config.method_options.at("lora.init") == "pissa");
    seen.push_back(run.config.method_options.at("lora.rank"));
  }
  CHECK(seen == std::vector<std::string>{"16", "2"});
  // threads is an axis here, so there are two untuned models.
  CHECK(plan->runs[1].config.method == kUntuned);
  CHECK(plan->runs[2].config.method == "full");
  CHECK(plan->runs[2].config.learning_rate == 0.5);
}

TEST_CASE("what follows from all cells' training is filled in, in twins too",
          "[spec][expand]") {
  const auto spec =
      ParseSpecText("spec.yaml",
                    "train: [rotten_tomatoes]\n"
                    "evaluate: {tasks: [rotten_tomatoes, bbcnews]}\n"
                    "budget: {steps: 1}\n"
                    "grid: {method: [full, lora]}\n",
                    TestTables());
  REQUIRE(spec.ok());
  const auto digests = [](const RunConfig& config) {
    return absl::StatusOr<std::vector<std::string>>({config.model});
  };
  std::set<std::string> seen;
  const auto plan = ExpandPlan(
      *spec, TestTables(), digests, {},
      [&](const std::set<std::string>& trained, RunConfig& config) {
        seen = trained;
        config.score_end_of_turn.assign(trained.begin(), trained.end());
        return absl::OkStatus();
      });
  REQUIRE(plan.ok());
  CHECK(seen == std::set<std::string>{"rotten_tomatoes"});
  const auto bare = ExpandPlan(*spec, TestTables(), digests);
  REQUIRE(bare.ok());
  REQUIRE(plan->runs.size() == 3);
  for (size_t i = 0; i < plan->runs.size(); ++i) {
    CHECK(plan->runs[i].config.score_end_of_turn ==
          std::vector<std::string>{"rotten_tomatoes"});
    CHECK(plan->runs[i].run_id != bare->runs[i].run_id);
  }
  CHECK(plan->runs[1].untuned_id == plan->runs[0].run_id);
}

TEST_CASE("a slip that no cell would show is an error", "[spec][expand]") {
  const std::string head = std::string(kHead) + "budget: {steps: 5}\n";
  const auto error = [&](const std::string& text) {
    return std::string(PlanOf(head + text).status().message());
  };
  CHECK(error("set: {lora.rank: 8}\n").find("spec.yaml:4") == 0);
  CHECK(error("grid: {method: [hft], lora.rank: [8]}\n")
            .find("no method of this spec") != std::string::npos);
  CHECK(error("cases: [{when: {method: lora}, set: {seed: 1}}]\n")
            .find("no cell") != std::string::npos);
  std::string axes = "grid: {";
  for (const char* name : {"seed", "threads", "train_limit", "test_limit"}) {
    axes += std::string(name) + ": [1";
    for (int i = 2; i <= 100; ++i) axes += ", " + std::to_string(i);
    axes += "], ";
  }
  CHECK(error(axes + "method: [full]}\n").find("1000000 cells") !=
        std::string::npos);
}

TEST_CASE("cells that cannot run are rejected with a reason",
          "[spec][expand]") {
  const auto plan = PlanOf(std::string(kHead) +
                           "budget: {steps: 5}\n"
                           "grid: {budget.epochs: [0, 1]}\n");
  REQUIRE(plan.ok());
  CHECK(plan->runs.size() == 2);
  REQUIRE(plan->rejected.size() == 1);
  CHECK(plan->rejected[0].axes.at("budget.epochs") == "1");
  CHECK(plan->rejected[0].reason.find("exactly one") != std::string::npos);
  const auto none =
      PlanOf(std::string(kHead) + "budget: {steps: 5}\nset: {beta1: 1}\n");
  REQUIRE_FALSE(none.ok());
  CHECK(std::string(none.status().message()).find("beta1") !=
        std::string::npos);
}

}  // namespace
}  // namespace sft::spec::run_plan_test
