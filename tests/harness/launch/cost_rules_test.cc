#include "harness/launch/cost_rules.h"

#include <catch2/catch.hpp>

#include "harness/launch/card_memory.h"

namespace sft::launch::cost_rules_test {
namespace {

constexpr int64_t kMiB = 1 << 20;

std::optional<spec::Finding> VerdictOf(int64_t weights, int64_t activations,
                                       int64_t limit,
                                       const std::string& device = "cpu",
                                       int64_t card = 0) {
  spec::RunConfig config;
  config.device = device;
  RunCost cost;
  cost.memory = {{"weights", weights * kMiB},
                 {"activations", activations * kMiB}};
  return MemoryFits({config, cost, limit * kMiB, card * kMiB});
}

TEST_CASE("a run that needs more than the machine has is refused with numbers",
          "[launch][plan]") {
  CHECK_FALSE(VerdictOf(600, 400, 1000));
  CHECK_FALSE(VerdictOf(600, 4000, 0));  // not known
  CHECK_FALSE(VerdictOf(600, 4000, 1000, "cuda"));
  // Formulas may be wrong by a tenth.
  const auto near = VerdictOf(600, 500, 1000);
  REQUIRE(near);
  CHECK(near->is_warning);
  const auto batch = VerdictOf(600, 501, 1000);
  REQUIRE(batch);
  CHECK_FALSE(batch->is_warning);
  CHECK(batch->field == "batch_size");
  CHECK(batch->reason.find("1101 MiB") != std::string::npos);
  CHECK(batch->reason.find("1000 MiB") != std::string::npos);
  // Of another machine only that is known.
  spec::RunConfig config;
  RunCost large;
  large.memory = {{"weights", 2000}};
  CHECK_FALSE(MemoryFits({config, large, 1000})->is_warning);
  CHECK(MemoryFits({config, large, 1000, 0, true})->is_warning);
  // No batch is small enough for what does not fit without one.
  const auto model = VerdictOf(1300, 100, 1000);
  REQUIRE(model);
  CHECK(model->field == "model");
}

TEST_CASE("a run that a card is too small for is said, not refused",
          "[launch][plan]") {
  CHECK_FALSE(VerdictOf(600, 400, 100, "cuda", 1000));
  const auto small = VerdictOf(600, 4000, 100000, "cuda", 1000);
  REQUIRE(small);
  CHECK(small->is_warning);
  CHECK(small->field == "batch_size");
  CHECK(small->reason.find("4600 MiB") != std::string::npos);
  CHECK(small->reason.find("card here has 1000 MiB") != std::string::npos);
  // The process is no card's, nor is a state that is paged.
  spec::RunConfig config;
  config.device = "cuda";
  RunCost cost;
  cost.memory = {{"process", 200}, {"optimizer", 60}, {"weights", 30}};
  CHECK(MemoryFits({config, cost, 0, 89}));
  CHECK_FALSE(MemoryFits({config, cost, 0, 90}));
  config.optimizer = "adamw_paged";
  CHECK(MemoryFits({config, cost, 0, 29}));
  CHECK_FALSE(MemoryFits({config, cost, 0, 30}));
}

TEST_CASE("of several cards the smallest counts, of another answer none",
          "[launch][plan]") {
  CHECK(LeastCardBytes("81559\n24576\n") == 24576 * kMiB);
  CHECK(LeastCardBytes("  40960 \n") == 40960 * kMiB);
  CHECK(LeastCardBytes("") == 0);
  CHECK(LeastCardBytes("81559\n[N/A]\n") == 0);
  CHECK(LeastCardBytes("-3\n") == 0);
}

TEST_CASE("a point of a curve lies within the longest round",
          "[launch][plan]") {
  spec::RunConfig config;
  RunCost cost;
  cost.longest_round_steps = 40;
  CHECK_FALSE(CurveFits({config, cost, 0}));
  config.curve = {"10", "40"};
  CHECK_FALSE(CurveFits({config, cost, 0}));
  config.curve = {"10", "41"};
  const auto found = CurveFits({config, cost, 0});
  REQUIRE(found);
  CHECK(found->field == "curve");
  CHECK(found->reason.find("has 40 steps") != std::string::npos);
}

TEST_CASE("what a run would end with is a finding of the field at fault",
          "[launch][plan]") {
  spec::RunConfig config;
  config.model = "/m/tiny";
  config.train = {"a:0.7+b:0.3"};
  config.evaluate = {"c"};
  config.retain = {"d"};
  const auto field = [&](const std::string& message) {
    const auto finding =
        CostFinding(absl::InvalidArgumentError(message), config);
    REQUIRE(finding);
    CHECK_FALSE(finding->is_warning);
    return finding->field;
  };
  CHECK(field("b: no training row is left with a target token") == "train");
  CHECK(field("c: has no test row") == "evaluate");
  CHECK(field("d: holds no text") == "retain");
  CHECK(field("/m/tiny: no task says which head") == "model");
  CHECK(field("round 0: the budget is too small for one token") == "train");
  const auto named = CostFinding(
      absl::InvalidArgumentError("max_length: 4 tokens leave nothing"), config);
  REQUIRE(named);
  CHECK(named->field == "max_length");
  CHECK(named->reason == "4 tokens leave nothing");
  CHECK_FALSE(CostFinding(absl::OkStatus(), config));
  CHECK_FALSE(CostFinding(absl::InternalError("not on a meta tensor"), config));
}

}  // namespace
}  // namespace sft::launch::cost_rules_test
