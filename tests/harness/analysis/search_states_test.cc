// What status and report say of the runs of a search.
#include "harness/analysis/search_states.h"

#include <catch2/catch.hpp>

#include "harness/analysis/report.h"
#include "harness/analysis/run_status.h"
#include "harness/record/manifest_store.h"
#include "harness/record/validation_score.h"
#include "tests/harness/search/search_plan.h"
#include "tests/support/paths.h"

namespace sft::analysis::search_states_test {
namespace {

// Nine cells of one seed; the k-th has the id "0k" and the loss k.
struct SearchedFolder {
  SearchedFolder() {
    plan = search::SearchPlanOf({"full"}, 9, 1);
    for (size_t i = 0; i < plan.runs.size(); ++i) {
      plan.runs[i].run_id = i == 0 ? "ba5e" : "0" + std::to_string(i);
      plan.runs[i].untuned_id = "ba5e";
      plan.runs[i].config.evaluate = {"a"};
    }
    REQUIRE(record::WriteManifest(store.paths(), plan).ok());
    REQUIRE(store.Open().ok());
  }
  void Publish(size_t place, int rung, RunStatus status = RunStatus::kStopped) {
    record::RunRecord record;
    record.run_id = plan.runs[place].run_id;
    record.config = plan.runs[place].config;
    record.axes = plan.runs[place].axes;
    record.status = status;
    EvalRecord eval;
    eval.task = "a";
    eval.split = rung > 0 ? record::RungSplit(rung) : "validation";
    eval.round = 1;
    MetricRecord metric;
    metric.name = "validation_loss";
    metric.value = static_cast<double>(place);
    metric.higher_is_better = false;
    eval.metrics = {metric};
    record.evals = {eval};
    REQUIRE((status == RunStatus::kStopped ? store.PublishRung(record, rung)
                                           : store.Publish(record, 1))
                .ok());
  }
  StatusTable Status() const {
    const auto table = ReadStatus(store.paths().out);
    INFO(table.status().ToString());
    REQUIRE(table.ok());
    return *table;
  }
  Results Collected() const {
    const auto results = CollectResults(store.paths().out);
    INFO(results.status().ToString());
    REQUIRE(results.ok());
    return *results;
  }

  support::TempDir dir;
  record::RunStore store{record::RunPaths{dir.path().string()}};
  spec::RunPlan plan;
};

TEST_CASE("a run that waits for its rung is told from one that was stopped",
          "[analysis][search]") {
  SearchedFolder folder;
  folder.Publish(0, 0, RunStatus::kOk);
  for (size_t i = 1; i < 9; ++i) folder.Publish(i, 1);
  StatusTable table = folder.Status();
  CHECK(table.done == 1);
  CHECK(table.stopped == 0);
  CHECK(table.waiting == 9);
  CHECK(table.runs[1].detail == "rung 1 of 3: others of it are missing");
  CHECK(table.runs[1].waits_at_rung);
  CHECK_FALSE(table.runs[9].waits_at_rung);
  CHECK(folder.Collected().runs[1].state == "paused");
  folder.Publish(9, 1);
  table = folder.Status();
  CHECK(table.stopped == 6);
  CHECK(table.runs[9].state == "stopped");
  CHECK(table.runs[9].detail == "rung 1 of 3, validation_loss 9");
  CHECK(table.runs[1].state != "stopped");
  CHECK_FALSE(table.IsSettled());
  CHECK(StatusCounts(table).rfind("1 done, 6 stopped by the search, ", 0) == 0);
  for (const size_t i : {1, 2, 3}) folder.Publish(i, 2);
  folder.Publish(1, 0, RunStatus::kOk);
  table = folder.Status();
  CHECK(table.done == 2);
  CHECK(table.stopped == 8);
  CHECK(table.runs[2].detail == "rung 2 of 3, validation_loss 2");
  CHECK(table.IsSettled());
  // What was read before is not read again, and decides as it did.
  const auto again = ReadStatus(folder.store.paths().out, &table);
  REQUIRE(again.ok());
  CHECK(again->stopped == 8);
}

TEST_CASE("what was stopped is no failure of a report, and takes no part in it",
          "[analysis][search]") {
  SearchedFolder folder;
  folder.Publish(0, 0, RunStatus::kOk);
  for (size_t i = 1; i < 10; ++i) folder.Publish(i, 1);
  for (const size_t i : {1, 2, 3}) folder.Publish(i, 2);
  folder.Publish(1, 0, RunStatus::kOk);
  const Results results = folder.Collected();
  CHECK(results.runs[1].state == "ok");
  CHECK(results.runs[4].state == "stopped");
  CHECK(results.runs[4].standing == "rung 1 of 3, validation_loss 4");
  for (const std::string& note : results.notes) {
    CHECK(note.find("Run 0") != 0);
  }
  const auto report = BuildReport(folder.store.paths().out);
  REQUIRE(report.ok());
  const std::string text = RenderReport(*report, TableFormat::kTsv);
  CHECK(text.find("stopped at rung 2 of 3, validation_loss 3") !=
        std::string::npos);
}

TEST_CASE("a run that failed for good leaves its bracket decided",
          "[analysis][search]") {
  SearchedFolder folder;
  folder.Publish(9, 1, RunStatus::kFailed);
  for (size_t i = 1; i < 9; ++i) folder.Publish(i, 1);
  // Perhaps it is tried again ...
  CHECK(folder.Status().stopped == 0);
  CHECK(folder.Status().failed == 1);
  // ... and was not where others have gone further.
  folder.Publish(1, 2);
  const StatusTable table = folder.Status();
  CHECK(table.failed == 1);
  CHECK(table.stopped == 5);
}

}  // namespace
}  // namespace sft::analysis::search_states_test
