#include "harness/spec/plan_shard.h"

#include <catch2/catch.hpp>
#include <map>

#include "tests/harness/spec/spec_tables.h"

namespace sft::spec {
namespace {

TEST_CASE("a shard is written I/N", "[spec][shard]") {
  CHECK(ParseShard("1/1").ok());
  CHECK(ParseShard("2/3")->number == 2);
  CHECK(ParseShard("2/3")->of == 3);
  for (const char* text : {"", "1", "0/3", "4/3", "-1/3", "1/0", "1/3x", "/"}) {
    CAPTURE(text);
    CHECK_FALSE(ParseShard(text).ok());
  }
}

TEST_CASE("shards hold every tuned run once, with the untuned ones they need",
          "[spec][shard]") {
  const auto plan = PlanOf(kDesignSpec);
  REQUIRE(plan.ok());
  CHECK(ShardOf(*plan, {1, 1}).runs.size() == plan->runs.size());
  std::map<std::string, int> seen;
  for (size_t i = 1; i <= 5; ++i) {
    const RunPlan part = ShardOf(*plan, {i, 5});
    CHECK(part.question == plan->question);
    REQUIRE_FALSE(part.runs.empty());
    CHECK(part.runs[0].config.method == kUntuned);
    for (const PlannedRun& run : part.runs) ++seen[run.run_id];
    // 72 tuned runs over 5.
    CHECK(part.runs.size() >= 15);
    CHECK(part.runs.size() <= 16);
  }
  CHECK(seen.size() == plan->runs.size());
  for (const PlannedRun& run : plan->runs) {
    CHECK(seen[run.run_id] == (run.config.method == kUntuned ? 5 : 1));
  }
}

TEST_CASE("more shards than runs leave some empty, and none twice",
          "[spec][shard]") {
  RunPlan plan;
  plan.runs.resize(2);
  plan.runs[0].run_id = plan.runs[0].untuned_id = "0a";
  plan.runs[1].run_id = "0b";
  plan.runs[1].untuned_id = "0a";
  CHECK(ShardOf(plan, {1, 3}).runs.size() == 2);
  CHECK(ShardOf(plan, {2, 3}).runs.empty());
  // Untuned runs that nobody reads are shared out as well.
  plan.runs.pop_back();
  CHECK(ShardOf(plan, {1, 3}).runs.size() == 1);
  CHECK(ShardOf(plan, {2, 3}).runs.empty());
}

}  // namespace
}  // namespace sft::spec
