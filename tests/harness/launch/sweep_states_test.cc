#include "harness/launch/sweep_states.h"

#include "tests/harness/launch/made_up_plan.h"
#include "tests/support/catch_torch.h"

namespace sft::launch::sweep_states_test {
namespace {

// The ids that may be started now, one after another; none has failed before.
std::vector<std::string> StartAll(SweepStates& states) {
  std::vector<std::string> started;
  while (const spec::PlannedRun* next = states.Next()) {
    started.push_back(next->run_id);
    states.Start(next->run_id, 0);
  }
  return started;
}

using Ids = std::vector<std::string>;

TEST_CASE("tuned runs wait for the untuned model's, then go in plan order",
          "[launch][states]") {
  const spec::RunPlan plan = MadeUpPlan({"c", "a", "b"});
  SweepStates states(plan.runs, 2);
  CHECK(states.total() == 4);
  CHECK(StartAll(states) == Ids{"base"});
  CHECK(states.running() == Ids{"base"});
  CHECK_FALSE(states.IsOver());
  states.Finish("base", RunStatus::kOk, 3);
  CHECK(StartAll(states) == Ids{"c", "a", "b"});
  states.Finish("a", RunStatus::kDiverged, 1);
  CHECK(states.running() == Ids{"c", "b"});
  states.Finish("b", RunStatus::kOk, 1);
  states.Finish("c", RunStatus::kOk, 1);
  CHECK(states.IsOver());
  CHECK(states.settled() == 4);
  CHECK(states.summary().finished == 3);
  CHECK(states.summary().diverged == 1);
  CHECK(states.summary().failed == 0);
}

TEST_CASE("what stands is not started", "[launch][states]") {
  const spec::RunPlan plan = MadeUpPlan({"a", "b"});
  SweepStates states(plan.runs, 2);
  states.Skip("b");
  states.Skip("base");
  CHECK(StartAll(states) == Ids{"a"});
  states.Finish("a", RunStatus::kOk, 1);
  CHECK(states.IsOver());
  CHECK(states.summary().skipped == 2);
  CHECK(states.summary().finished == 1);
}

TEST_CASE("a failed run waits behind the others and is tried so often",
          "[launch][states][attempts]") {
  const spec::RunPlan plan = MadeUpPlan({"a", "b"});
  SweepStates states(plan.runs, 3);
  states.Skip("base");
  REQUIRE(states.Start("a", 0));
  CHECK(states.Fail("a", 1));
  CHECK(states.settled() == 1);
  REQUIRE(states.Next() != nullptr);
  CHECK(states.Next()->run_id == "b");
  CHECK(StartAll(states) == Ids{"b", "a"});
  CHECK(states.Fail("a", 2));
  CHECK(StartAll(states) == Ids{"a"});
  CHECK_FALSE(states.Fail("a", 3));
  CHECK(states.Next() == nullptr);
  CHECK(states.summary().failed == 1);
  states.Finish("b", RunStatus::kOk, 1);
  CHECK(states.IsOver());
}

TEST_CASE("attempts of earlier calls count", "[launch][states][attempts]") {
  const spec::RunPlan plan = MadeUpPlan({"a", "b"});
  SweepStates states(plan.runs, 2);
  states.Skip("base");
  CHECK_FALSE(states.Start("a", 2));
  CHECK(states.running().empty());
  CHECK(states.summary().failed == 1);
  CHECK(states.Start("b", 1));
  CHECK_FALSE(states.Fail("b", 2));
  CHECK(states.IsOver());
  CHECK(states.summary().failed == 2);
}

TEST_CASE("tuned runs go on where the untuned one has failed for good",
          "[launch][states]") {
  const spec::RunPlan plan = MadeUpPlan({"a"});
  SweepStates states(plan.runs, 1);
  REQUIRE(states.Start("base", 0));
  CHECK(states.Next() == nullptr);
  CHECK_FALSE(states.Fail("base", 1));
  REQUIRE(states.Next() != nullptr);
  CHECK(states.Next()->run_id == "a");
}

TEST_CASE("a run whose untuned one is not of the plan is never started",
          "[launch][states]") {
  spec::RunPlan plan = MadeUpPlan({"a"});
  plan.runs.erase(plan.runs.begin());
  const SweepStates states(plan.runs, 1);
  CHECK(states.Next() == nullptr);
  CHECK(states.IsOver());
}

TEST_CASE("after an interrupt nothing is started and nothing has failed",
          "[launch][states][interrupt]") {
  const spec::RunPlan plan = MadeUpPlan({"a", "b"});
  SweepStates states(plan.runs, 2);
  states.Skip("base");
  REQUIRE(states.Start("a", 0));
  states.Interrupt();
  CHECK(states.Next() == nullptr);
  CHECK_FALSE(states.IsOver());
  states.PutOff("a");
  CHECK(states.IsOver());
  CHECK(states.summary().interrupted);
  CHECK(states.summary().failed == 0);
  CHECK(states.settled() == 1);
}

TEST_CASE("what others are at is neither started nor over",
          "[launch][states][two]") {
  const spec::RunPlan plan = MadeUpPlan({"a", "b"});
  SweepStates states(plan.runs, 2);
  states.Skip("base");
  REQUIRE(states.Start("a", 0));
  states.LeaveToOther("a");
  CHECK(states.elsewhere() == Ids{"a"});
  CHECK(states.running().empty());
  CHECK(StartAll(states) == Ids{"b"});
  states.Finish("b", RunStatus::kOk, 1);
  CHECK_FALSE(states.IsOver());
  SECTION("it is done there") {
    states.FinishElsewhere("a");
    CHECK(states.summary().skipped == 2);
  }
  SECTION("nobody is at it any more") {
    states.TakeBack("a");
    CHECK(StartAll(states) == Ids{"a"});
    states.Finish("a", RunStatus::kOk, 1);
    CHECK(states.summary().finished == 2);
  }
  SECTION("an interrupt does not wait for others") { states.Interrupt(); }
  CHECK(states.IsOver());
}

TEST_CASE("runs out of their time, refused, and a full disk",
          "[launch][states]") {
  const spec::RunPlan plan = MadeUpPlan({"a", "b", "c"});
  SweepStates states(plan.runs, 1);
  states.Skip("base");
  REQUIRE(states.Start("a", 0));
  states.TimeOut("a");
  CHECK(states.summary().timed_out == 1);
  CHECK(states.settled() == 2);
  REQUIRE(states.Start("b", 0));
  states.Refuse("b");
  CHECK(states.summary().failed == 1);
  CHECK(states.Next()->run_id == "c");
  states.StopForDisk();
  CHECK(states.Next() == nullptr);
  CHECK(states.IsOver());
  CHECK_FALSE(states.summary().interrupted);
  CHECK(states.summary().disk_full);
}

TEST_CASE("the time left is that of the finished runs for all others",
          "[launch][states]") {
  const spec::RunPlan plan = MadeUpPlan({"a", "b", "c"});
  SweepStates states(plan.runs, 2);
  CHECK(states.SecondsLeft() == 0);
  REQUIRE(states.Start("base", 0));
  states.Finish("base", RunStatus::kOk, 4);
  CHECK(states.SecondsLeft() == 12);
  REQUIRE(states.Start("a", 0));
  CHECK(states.SecondsLeft() == 12);
  states.Finish("a", RunStatus::kOk, 8);
  CHECK(states.SecondsLeft() == 12);
}

}  // namespace
}  // namespace sft::launch::sweep_states_test
