#include "harness/spec/points.h"

#include <catch2/catch.hpp>

#include "harness/core/status.h"
#include "harness/spec/run_config.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::points_test {
namespace {

std::string SpecWith(const std::string& evaluate) {
  return "train: [rotten_tomatoes]\n"
         "evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]" +
         evaluate +
         "}\n"
         "budget: {steps: 4}\n"
         "grid: {method: [full], batching: [padded], seed: [0]}\n";
}

TEST_CASE("points are numbers in order, and neither the base nor the end",
          "[spec][points]") {
  CHECK(*ParseCurve({"2", "10"}) == std::vector<int64_t>{2, 10});
  CHECK(ParseCurve({})->empty());
  CHECK_FALSE(ParseCurve({"0"}).ok());
  CHECK_FALSE(ParseCurve({"2", "2"}).ok());
  CHECK_FALSE(ParseCurve({"1.5"}).ok());
  CHECK(*ParseRewind({"0.2", "0.75"}) == std::vector<double>{0.2, 0.75});
  for (const char* alpha : {"0", "1", "-0.5", "1.5", "x"}) {
    INFO(alpha);
    CHECK_FALSE(ParseRewind({alpha}).ok());
  }
  const std::string said =
      ToStd(ParseRewind({"0.5", "0.25"}).status().message());
  CHECK(said.find("wanted ascending") != std::string::npos);
}

TEST_CASE("a spec says where a run is scored, under evaluate:",
          "[spec][points]") {
  const auto plan =
      PlanOf(SpecWith(", curve: [1, 3], rewind: [0.2, 0.5], distance: true, "
                      "at_points: [wiki_demo]"));
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  REQUIRE(plan->runs.size() == 2);
  const RunConfig& tuned = plan->runs[1].config;
  CHECK(tuned.curve == std::vector<std::string>{"1", "3"});
  CHECK(tuned.rewind == std::vector<std::string>{"0.2", "0.5"});
  CHECK(tuned.at_points == std::vector<std::string>{"wiki_demo"});
  CHECK(tuned.distance);
  const auto plain = PlanOf(SpecWith(""));
  REQUIRE(plain.ok());
  // The untuned model is that of any spec; what trains has another id.
  CHECK(plan->runs[0].run_id == plain->runs[0].run_id);
  CHECK(plan->runs[1].run_id != plain->runs[1].run_id);
  for (const char* name : {"curve", "rewind", "distance", "at_points"}) {
    CHECK(plain->runs[1].config.CanonicalConfigText().find(
              std::string(name) + " = ") == std::string::npos);
  }
}

TEST_CASE("what is no point is refused with its line", "[spec][points]") {
  for (const auto& [evaluate, said] :
       {std::pair{", curve: [0]", "curve"},
        std::pair{", curve: [4, 2]", "wanted ascending"},
        std::pair{", rewind: [1]", "scored anyway"},
        std::pair{", at_points: [nothing]", "nothing"},
        std::pair{", curves: [1]", "did you mean 'curve'"}}) {
    INFO(evaluate);
    const auto plan = PlanOf(SpecWith(evaluate));
    REQUIRE_FALSE(plan.ok());
    const std::string message = ToStd(plan.status().message());
    INFO(message);
    CHECK(message.find(":2: ") != std::string::npos);
    CHECK(message.find(said) != std::string::npos);
  }
}

}  // namespace
}  // namespace sft::spec::points_test
