#include "harness/train/step_plan.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tests/support/catch_torch.h"
#include "tests/support/tiny_model.h"

namespace sft::train::step_plan_test {
namespace {

StepPlan Planned(const spec::RunConfig& config,
                 const std::vector<Example>& examples,
                 const data::Collator& collator, int64_t round = 0) {
  auto plan = PlanSteps(config, examples, collator, round);
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  return std::move(*plan);
}

// How often each row is used.
std::map<int64_t, int> Uses(const StepPlan& plan) {
  std::map<int64_t, int> uses;
  for (const PlannedStep& step : plan.steps) {
    for (const data::MicroBatchPlan& micro : step.micro_batches) {
      for (const data::Piece& piece : micro.pieces) ++uses[piece.index];
    }
  }
  return uses;
}

// Cuts every row in two pieces, each a micro-batch of its own.
class HalvingCollator : public support::PlainCollator {
 public:
  HalvingCollator() : support::PlainCollator(1) {}
  std::vector<data::MicroBatchPlan> PlanPass(
      const std::vector<Example>& examples, const std::vector<int64_t>& order,
      Rng&) const override {
    std::vector<data::MicroBatchPlan> plans;
    for (int64_t row : order) {
      const auto size = static_cast<int64_t>(
          examples[static_cast<size_t>(row)].input_ids.size());
      plans.push_back({{{row, 0, size / 2}}});
      plans.push_back({{{row, size / 2, size - size / 2}}});
    }
    return plans;
  }
};

TEST_CASE("a budget of target tokens takes the same rows whatever the batches",
          "[train][step_plan]") {
  const std::vector<Example> examples = support::TinyExamples(20);
  spec::RunConfig config;
  config.budget_target_tokens = 150;  // more than one pass
  const StepPlan a = Planned(config, examples, support::PlainCollator(3));
  const StepPlan b = Planned(config, examples, support::PlainCollator(7, true));
  CHECK(a.data_order_sha256 == b.data_order_sha256);
  CHECK(a.plan_sha256 != b.plan_sha256);
  CHECK(a.target_tokens == b.target_tokens);
  CHECK(a.rows == b.rows);
  CHECK(Uses(a) == Uses(b));
  CHECK(a.rows_per_pass.size() > 1);
  CHECK(a.rows_per_pass.front() == 20);
  // The row that reaches the budget is the last one.
  CHECK(a.target_tokens >= 150);
  CHECK(a.target_tokens < 150 + 7);
}

TEST_CASE("epochs count rows, fractions included", "[train][step_plan]") {
  const std::vector<Example> examples = support::TinyExamples(10);
  spec::RunConfig config;
  config.budget_epochs = 0.3;
  CHECK(Planned(config, examples, support::PlainCollator(2)).rows == 3);
  config.budget_epochs = 2.5;
  const StepPlan plan = Planned(config, examples, support::PlainCollator(4));
  CHECK(plan.rows_per_pass == std::vector<int64_t>{10, 10, 5});
  // 10 rows by 4: three steps a pass; the last pass has two.
  CHECK(plan.steps.size() == 8);
  const auto uses = Uses(plan);
  CHECK(uses.size() == 10);
  for (const auto& [row, count] : uses) CHECK((count == 2 || count == 3));
}

TEST_CASE("a budget of steps is met exactly", "[train][step_plan]") {
  const std::vector<Example> examples = support::TinyExamples(10);
  spec::RunConfig config;
  config.gradient_accumulation_steps = 2;
  config.budget_steps = 5;
  const StepPlan plan = Planned(config, examples, support::PlainCollator(3));
  REQUIRE(plan.steps.size() == 5);
  // Ten rows are four micro-batches, two steps, a pass.
  CHECK(plan.steps[0].pass == 0);
  CHECK(plan.steps[2].pass == 1);
  CHECK(plan.steps[4].pass == 2);
  for (const PlannedStep& step : plan.steps) {
    CHECK(step.micro_batches.size() == 2);
  }
}

TEST_CASE("passes are shuffled anew, by seed, round and pass",
          "[train][step_plan]") {
  const std::vector<Example> examples = support::TinyExamples(30);
  spec::RunConfig config;
  config.budget_epochs = 2;
  const support::PlainCollator collator(30);
  const StepPlan plan = Planned(config, examples, collator);
  REQUIRE(plan.steps.size() == 2);
  auto order = [](const PlannedStep& step) {
    std::vector<int64_t> rows;
    for (const data::Piece& piece : step.micro_batches[0].pieces) {
      rows.push_back(piece.index);
    }
    return rows;
  };
  CHECK(order(plan.steps[0]) != order(plan.steps[1]));
  CHECK(Planned(config, examples, collator).plan_sha256 == plan.plan_sha256);
  CHECK(Planned(config, examples, collator, 1).plan_sha256 != plan.plan_sha256);
  config.seed = 1;
  CHECK(Planned(config, examples, collator).plan_sha256 != plan.plan_sha256);
}

TEST_CASE("a micro-batch without a target is left out and counted",
          "[train][step_plan]") {
  // The first half of a tiny example holds no target.
  const std::vector<Example> examples = support::TinyExamples(6);
  spec::RunConfig config;
  config.budget_epochs = 1;
  const StepPlan plan = Planned(config, examples, HalvingCollator());
  CHECK(plan.left_out_micro_batches == 6);
  CHECK(plan.steps.size() == 6);
  int64_t targets = 0;
  for (const Example& example : examples) targets += example.target_tokens();
  // A piece's first token has no predecessor.
  CHECK(plan.target_tokens == targets - 6);
}

TEST_CASE("a wall-time budget plans a bounded number of passes",
          "[train][step_plan]") {
  spec::RunConfig config;
  config.budget_wall_seconds = 2.5;
  const StepPlan plan =
      Planned(config, support::TinyExamples(4), support::PlainCollator(2));
  CHECK(plan.wall_seconds == 2.5);
  CHECK(plan.rows_per_pass.size() == 1000);
  CHECK(plan.steps.size() == 2000);
}

TEST_CASE("no rows, no targets and no budget are errors",
          "[train][step_plan]") {
  spec::RunConfig config;
  config.budget_steps = 3;
  const support::PlainCollator collator(2);
  CHECK_FALSE(PlanSteps(config, {}, collator, 0).ok());
  std::vector<Example> examples = support::TinyExamples(3);
  spec::RunConfig none;
  CHECK_FALSE(PlanSteps(none, examples, collator, 0).ok());
  for (Example& example : examples) {
    example.labels.assign(example.labels.size(), kNoLoss);
  }
  CHECK_FALSE(PlanSteps(config, examples, collator, 0).ok());
}

}  // namespace
}  // namespace sft::train::step_plan_test
