#include "harness/launch/plan_cost.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace sft::launch::plan_cost_test {
namespace {

DescribedRun CostlyRun(const std::string& id, const std::string& method,
                       const std::string& axes) {
  DescribedRun run;
  run.run_id = id;
  run.method = method;
  run.batching = "packed";
  run.axes = axes;
  run.cost.steps = 1200;
  run.cost.rows = 9600;
  run.cost.real_tokens = 1'234'567;
  run.cost.target_tokens = 45'678;
  run.cost.computed_tokens = 1'300'000;
  run.cost.flops = 3.21e15;
  run.cost.memory = {{"weights", int64_t{1500} << 20},
                     {"process", int64_t{200} << 20}};
  run.cost.weights_bytes = int64_t{500} << 20;
  run.cost.record_bytes = 1000;
  run.cost.checkpoint_bytes = int64_t{900} << 20;
  run.seconds = 3723;
  return run;
}

PlanDescription TwoRuns() {
  PlanDescription plan;
  plan.runs = {CostlyRun("00000000000000aa", "full", "seed=0"),
               CostlyRun("00000000000000bb", "lora",
                         "learning_rate=0.0005 lora.rank=16 seed=0")};
  plan.runs[1].there = true;
  plan.rejected = {{{{"seed", "1"}}, "spec.yaml:7: too much"}};
  return plan;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("a plan for programs has exact numbers between tabs",
          "[launch][plan]") {
  const auto lines = LinesOf(PlanForPrograms(TwoRuns()));
  REQUIRE(lines.size() == 7);
  CHECK(lines[0].rfind("run\tmethod\tbatching\taxes\tsteps\t", 0) == 0);
  CHECK(lines[1] ==
        "00000000000000aa\tfull\tpacked\tseed=0\t1200\t9600\t1234567\t45678\t"
        "1300000\t1:02:03\t1700\t3.21e+15\t501\t-");
  CHECK(lines[2].rfind("\tthere") == lines[2].size() - 6);
  CHECK(lines[3] == "rejected\tseed=1\tspec.yaml:7: too much");
  CHECK(lines[4] == "2 runs, 1 rejected, 1 there already");
  // What stands is not counted again.
  CHECK(lines[5].find("left: 1234567 real tokens, 3.21e+15 FLOPs, about "
                      "1:02:03 ") == 0);
  CHECK(lines[6] ==
        "at most 1700 MiB of memory a run; 501 MiB of disk, and 900 MiB for a "
        "checkpoint");
}

TEST_CASE("a plan for a terminal is aligned and fits it", "[launch][plan]") {
  for (const size_t width : {60, 80, 200}) {
    INFO(width);
    const auto lines = LinesOf(PlanForTerminal(TwoRuns(), width));
    REQUIRE(lines.size() == 7);
    for (int i = 0; i < 3; ++i) CHECK(lines[i].size() <= width);
    CHECK(lines[1].find("full packed") == lines[2].find("lora packed"));
    CHECK((lines[2].find("lora.rank=16") != std::string::npos) ==
          (width == 200));
  }
  const auto lines = LinesOf(PlanForTerminal(TwoRuns(), 80));
  CHECK(lines[1].find("1.23M") != std::string::npos);
  CHECK(lines[1].find("1:02:03") != std::string::npos);
  // Nothing is left to be done for it.
  CHECK(lines[2].find("1:02:03") == std::string::npos);
  CHECK(lines[2].find("there") != std::string::npos);
}

}  // namespace
}  // namespace sft::launch::plan_cost_test
