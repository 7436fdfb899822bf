#include "harness/spec/plan_diff.h"

#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::plan_diff_test {
namespace {

// Two methods and `seeds`, with `set` in common.
RunPlan PlanWith(const std::string& set, const std::string& seeds,
                 const std::string& more_axes = "") {
  auto plan = PlanOf(absl::StrCat(
      "train: [rotten_tomatoes]\nevaluate: {tasks: [rotten_tomatoes]}\n"
      "budget: {steps: 5}\nset: {",
      set, "}\ngrid: {method: [full, lora], seed: ", seeds, more_axes, "}\n"));
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  return *std::move(plan);
}

TEST_CASE("a plan beside itself is the same", "[spec][plan_diff]") {
  const RunPlan plan = PlanWith("batch_size: 4", "[0, 1]");
  const PlanDiff diff = DiffPlans(plan, plan);
  CHECK(diff.same.size() == plan.runs.size());
  CHECK(diff.added.empty());
  CHECK(diff.gone.empty());
  CHECK(diff.changed.empty());
}

TEST_CASE(
    "a further value of an axis is new runs, one that is left out is gone",
    "[spec][plan_diff]") {
  const RunPlan before = PlanWith("batch_size: 4", "[0, 1]");
  const RunPlan after = PlanWith("batch_size: 4", "[1, 2, 3]");
  const PlanDiff diff = DiffPlans(before, after);
  CHECK(diff.same.size() == 1 + 2);  // the untuned run, and seed 1
  CHECK(diff.changed.empty());
  REQUIRE(diff.added.size() == 4);
  CHECK(diff.added[0]->config.seed == 2);
  REQUIRE(diff.gone.size() == 2);
  for (const PlannedRun* run : diff.gone) CHECK(run->config.seed == 0);
}

TEST_CASE("the same cell with another setting says which",
          "[spec][plan_diff]") {
  const RunPlan before = PlanWith("batch_size: 4", "[0, 1]");
  const RunPlan after = PlanWith("batch_size: 8, lora.rank: 32", "[0, 1, 2]");
  const PlanDiff diff = DiffPlans(before, after);
  CHECK(diff.same.size() == 1);  // an untuned run has no batches
  CHECK(diff.added.size() == 2);
  CHECK(diff.gone.empty());
  REQUIRE(diff.changed.size() == 4);
  for (const ChangedRun& run : diff.changed) {
    CHECK(run.before->axes == run.after->axes);
    CHECK(ChangesText(run) == (run.after->config.method == "lora"
                                   ? "batch_size 4 -> 8, lora.rank 16 -> 32"
                                   : "batch_size 4 -> 8"));
  }
}

TEST_CASE("files with other contents change a run and none of its fields",
          "[spec][plan_diff]") {
  const RunPlan before = PlanWith("batch_size: 4", "[0]");
  RunPlan after = before;
  for (PlannedRun& run : after.runs) run.run_id += "0";
  const PlanDiff diff = DiffPlans(before, after);
  REQUIRE(diff.changed.size() == before.runs.size());
  for (const ChangedRun& run : diff.changed) {
    CHECK(run.fields.empty());
    CHECK(ChangesText(run) == "other contents of the files that it reads");
  }
}

TEST_CASE("cells that a new axis takes apart are nobody's change",
          "[spec][plan_diff]") {
  const RunPlan before = PlanWith("learning_rate: 0.5", "[0]");
  const RunPlan after =
      PlanWith("batch_size: 4", "[0]", ", learning_rate: [0.1, 0.2]");
  const PlanDiff diff = DiffPlans(before, after);
  CHECK(diff.changed.empty());
  CHECK(diff.added.size() == 4);
  CHECK(diff.gone.size() == 2);
}

}  // namespace
}  // namespace sft::spec::plan_diff_test
