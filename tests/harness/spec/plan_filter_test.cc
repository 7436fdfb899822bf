#include "harness/spec/plan_filter.h"

#include <catch2/catch.hpp>

#include "harness/core/status.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::plan_filter_test {
namespace {

constexpr char kSpec[] =
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes]}\n"
    "budget: {steps: 5}\n"
    "grid: {method: [full, lora], threads: [1, 2], seed: [0, 1], "
    "learning_rate: [1.0e-4, 1.0e-3]}\n"
    "baseline: {method: full}\n";

RunPlan WholePlan() {
  auto plan = PlanOf(kSpec);
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  REQUIRE(plan->runs.size() == 2 + 16);
  return *std::move(plan);
}

std::string RefusalOfFilter(const std::string& filter) {
  return std::string(
      FilterPlan(WholePlan(), filter, TestTables()).status().message());
}

TEST_CASE("a filter keeps what matches and the untuned runs that it reads",
          "[spec][filter]") {
  const RunPlan whole = WholePlan();
  const auto some = FilterPlan(
      whole, "method=lora, learning_rate=1e-3,threads=2", TestTables());
  INFO(some.status().ToString());
  REQUIRE(some.ok());
  REQUIRE(some->runs.size() == 1 + 2);
  CHECK(some->runs[0].config.method == kUntuned);
  CHECK(some->runs[0].config.threads == 2);
  for (size_t i = 1; i < some->runs.size(); ++i) {
    const PlannedRun& run = some->runs[i];
    CHECK(run.config.method == "lora");
    CHECK(run.config.learning_rate == 1e-3);
    CHECK(run.untuned_id == some->runs[0].run_id);
    // Its baseline is no run of this part, and known all the same.
    CHECK_FALSE(run.baseline_id.empty());
  }
  CHECK(some->axis_names == whole.axis_names);
}

TEST_CASE("several values of an axis are alternatives", "[spec][filter]") {
  for (const char* filter : {"seed=0,1,threads=1", "seed=1,threads=1,seed=0"}) {
    const auto some = FilterPlan(WholePlan(), filter, TestTables());
    INFO(some.status().ToString());
    REQUIRE(some.ok());
    CHECK(some->runs.size() == 1 + 8);
  }
  const auto all = FilterPlan(WholePlan(), "method=full,lora", TestTables());
  REQUIRE(all.ok());
  CHECK(all->runs.size() == WholePlan().runs.size());
}

TEST_CASE("a filter of an axis of lists takes commas for its own",
          "[spec][filter]") {
  auto plan = PlanOf(
      "budget: {steps: 5}\n"
      "grid: {train: [[rotten_tomatoes, bbcnews], [bbcnews]], seed: [0, 1]}\n");
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  const auto some = FilterPlan(
      *std::move(plan), "train=rotten_tomatoes,bbcnews,seed=0", TestTables());
  INFO(some.status().ToString());
  REQUIRE(some.ok());
  CHECK(some->runs.size() == 1 + 1);
}

TEST_CASE("a filter that fits nothing names the nearest", "[spec][filter]") {
  using Catch::Matchers::Contains;
  CHECK_THAT(RefusalOfFilter("metod=lora"),
             Contains("'metod' is no axis") && Contains("'method'"));
  CHECK_THAT(RefusalOfFilter("method=lroa"),
             Contains("no cell has method=lroa") && Contains("'lora'"));
  CHECK_THAT(RefusalOfFilter("seed=7"),
             Contains("no cell has seed=7") && Contains("0,1"));
  CHECK_THAT(RefusalOfFilter("batch_size=8"), Contains("no axis"));
  CHECK_THAT(RefusalOfFilter("method"), Contains("AXIS=VALUE"));
  CHECK_THAT(RefusalOfFilter(""), Contains("AXIS=VALUE"));
  // Both faults at once.
  CHECK_THAT(RefusalOfFilter("metod=lora,seed=7"),
             Contains("'metod'") && Contains("seed=7"));
  const auto plan =
      PlanOf(std::string(kSpec) + "exclude: [{method: lora, seed: 1}]\n");
  REQUIRE(plan.ok());
  CHECK_THAT(std::string(FilterPlan(*plan, "method=lora,seed=1", TestTables())
                             .status()
                             .message()),
             Contains("all of these values together"));
}

}  // namespace
}  // namespace sft::spec::plan_filter_test
