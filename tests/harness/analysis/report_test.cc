#include "harness/analysis/report.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "harness/analysis/run_status.h"
#include "harness/core/file_lock.h"
#include "harness/core/files.h"
#include "harness/record/merge.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::report_test {
namespace {

TEST_CASE("a finished sweep gives a row a cell, the untuned model first",
          "[analysis][report]") {
  const Sweep sweep;
  sweep.Write([](record::RunRecord&) { return true; });
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  const Table& table = report->main;
  REQUIRE(table.rows.size() == 1 + 2 + 4);
  const auto cell = [&](size_t row, const std::string& key) {
    return table.rows[row][ColumnOf(table, key)];
  };
  CHECK(cell(0, "method").text == spec::kUntuned);
  CHECK(cell(1, "method").text == "full");
  CHECK(cell(3, "lora.rank").text == "8");
  CHECK(cell(0, "seeds").value == 1);
  CHECK(cell(1, "seeds").value == 2);
  CHECK(*cell(1, "rotten_tomatoes_accuracy").value == Approx(0.8).margin(0.06));
  CHECK(cell(1, "rotten_tomatoes_accuracy").sd.has_value());
  CHECK_FALSE(cell(0, "rotten_tomatoes_accuracy").sd.has_value());
  CHECK(cell(0, "wiki_demo_cross_entropy_change").value == 0);
  CHECK(*cell(1, "wiki_demo_cross_entropy_change").value == Approx(0.008));
  CHECK(cell(1, "peak_memory_mib").value == 3);
  CHECK(cell(1, "tokens_per_second").value == 500);
  CHECK_FALSE(cell(0, "tokens_per_second").value.has_value());
  const TableCell gain = cell(1, "rotten_tomatoes_gain");
  CHECK(*gain.value == Approx(*cell(1, "rotten_tomatoes_accuracy").value -
                              *cell(0, "rotten_tomatoes_accuracy").value));
  // Two seeds: nothing is tested, and the cell says so.
  CHECK_FALSE(gain.interval.has_value());
  CHECK(cell(1, "rotten_tomatoes_holm_p").text == "too few seeds to test");
  CHECK_FALSE(cell(0, "rotten_tomatoes_gain").value.has_value());
  CHECK(cell(1, "rotten_tomatoes_items").value == 400);
  CHECK(cell(1, "status").text == "ok");

  // Rank 64 has the lower validation loss.
  for (size_t row = 0; row < table.rows.size(); ++row) {
    const bool selected = cell(row, "selected").text == "*";
    const bool best = cell(row, "method").text == "full" ||
                      cell(row, "lora.rank").text == "64";
    CHECK(selected == best);
  }
  // The four selected rows against the untuned model, lora's against full's.
  CHECK(report->comparisons.rows.size() == 4 + 2);
}

TEST_CASE("the report is the same bytes again, and from a merged file",
          "[analysis][report]") {
  const Sweep sweep;
  sweep.Write([](record::RunRecord&) { return true; });
  const std::string dir = sweep.folder.path();
  const auto report = BuildReport(dir), again = BuildReport(dir);
  REQUIRE((report.ok() && again.ok()));
  for (const char* name : {"md", "csv", "tsv", "latex", "text"}) {
    const TableFormat format = *ParseTableFormat(name);
    CHECK(RenderReport(*report, format) == RenderReport(*again, format));
  }
  const std::string text = RenderReport(*report, TableFormat::kMarkdown);
  const std::string file = dir + "/all.h5";
  REQUIRE(record::MergeRecords({dir}, file).ok());
  const auto same_as_folder = [&](const std::string& path) {
    const auto merged = BuildReport(path);
    REQUIRE(merged.ok());
    for (const char* name : {"md", "csv", "tsv", "latex", "text"}) {
      const TableFormat format = *ParseTableFormat(name);
      CHECK(RenderReport(*merged, format) == RenderReport(*report, format));
    }
  };
  CHECK(Has(text, "which method, "));  // the question is there to be kept
  same_as_folder(file);
  // Of a merged file made of a merged file, and of a folder that holds one.
  REQUIRE(record::MergeRecords({file, dir}, dir + "/again.h5").ok());
  same_as_folder(dir + "/again.h5");
  REQUIRE(RemoveAll(dir + "/again.h5").ok());
  REQUIRE(RemoveAll(dir + "/runs").ok());
  same_as_folder(dir);
  REQUIRE(RemoveAll(dir + "/manifests").ok());
  same_as_folder(dir);
}

TEST_CASE("records without a plan still make the rows", "[analysis][report]") {
  const Sweep sweep;
  sweep.Write([](record::RunRecord&) { return true; });
  REQUIRE(RemoveAll(sweep.paths.Manifests()).ok());
  const auto bare = BuildReport(sweep.folder.path());
  REQUIRE(bare.ok());
  CHECK(bare->main.rows.size() == 7);
  CHECK(bare->main.rows[0][0].text == spec::kUntuned);
  CHECK(Has(RenderReport(*bare, TableFormat::kMarkdown), "No plan is kept"));
}

TEST_CASE("the report of several sweeps says so, and shows the runs of all",
          "[analysis][report]") {
  const Sweep one, other(
                       "train: [rotten_tomatoes]\n"
                       "evaluate: {tasks: [rotten_tomatoes]}\n"
                       "budget: {target_tokens: 500}\n"
                       "grid: {method: [full], seed: [0]}\n");
  one.Write([](record::RunRecord&) { return true; });
  other.Write([](record::RunRecord& record) {
    return record.config.method != spec::kUntuned;
  });
  const std::string file = one.folder / "all.h5";
  REQUIRE(record::MergeRecords({one.folder.path(), other.folder.path()}, file)
              .ok());
  const auto report = BuildReport(file);
  REQUIRE(report.ok());
  CHECK(Has(RenderReport(*report, TableFormat::kMarkdown), "from 2 sweeps"));
}

TEST_CASE("failed, missing and damaged runs stand in the table",
          "[analysis][report]") {
  const Sweep sweep;
  sweep.Write([&](record::RunRecord& record) {
    if (record.config.method == spec::kUntuned) return true;
    if (record.config.batching == "packed") return false;
    if (record.config.method == "full") {
      record.status = record.config.seed == 0 ? RunStatus::kOutOfMemory
                                              : RunStatus::kDiverged;
      record.status_message = "no | luck\nat all";
    } else if (record.config.method_options.at("lora.rank") == "64") {
      // One seed fails: the other must not be selected for being alone.
      if (record.config.seed == 1) record.status = RunStatus::kTimeout;
    }
    return true;
  });
  std::string damaged;
  for (const spec::PlannedRun& run : sweep.plan.runs) {
    if (run.config.method == "lora" && run.config.batching == "packed") {
      damaged = run.run_id;
      REQUIRE(
          WriteFileAtomically(sweep.paths.Record(damaged), "not HDF5").ok());
      break;
    }
  }
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  const Table& table = report->main;
  REQUIRE(table.rows.size() == 7);
  const auto status = [&](size_t row) {
    return table.rows[row][ColumnOf(table, "status")].text;
  };
  const auto find = [&](const std::string& text) {
    size_t n = 0;
    for (size_t row = 0; row < table.rows.size(); ++row) {
      n += status(row) == text;
    }
    return n;
  };
  CHECK(status(0) == "ok");
  CHECK(find("1 out_of_memory, 1 diverged") == 1);
  CHECK(find("1 ok, 1 timeout") == 1);
  CHECK(find("pending") == 2);
  CHECK(find("1 damaged, 1 pending") == 1);
  for (const auto& row : table.rows) {
    if (row[ColumnOf(table, "selected")].text != "*") continue;
    CHECK(row[ColumnOf(table, "lora.rank")].text == "8");
  }
  const std::string text = RenderReport(*report, TableFormat::kMarkdown);
  CHECK(Has(text, "Damaged record " + damaged + ".h5"));
  CHECK(Has(text, "out_of_memory: no \\| luck at all"));
  for (const std::string& line : Lines(text)) {
    if (line.rfind("| ", 0) == 0) CHECK(line.back() == '|');
  }

  const auto table_of_states = ReadStatus(sweep.folder.path());
  REQUIRE(table_of_states.ok());
  CHECK(table_of_states->done == 1 + 1 + 3);
  CHECK(table_of_states->failed == 1 + 1 + 1);
  CHECK(table_of_states->waiting == 13 - 8);
  CHECK(table_of_states->running == 0);
}

TEST_CASE("status counts what runs and what waits", "[analysis][status]") {
  const Sweep sweep;
  for (const int i : {1, 2}) {
    REQUIRE(MakeFolders(sweep.paths.Work(sweep.plan.runs[i].run_id)).ok());
  }
  // One has a process at it, the other was left by one that was killed.
  const std::string path = sweep.paths.Lock(sweep.plan.runs[1].run_id);
  const FileLock lock = TakeFileLock(path);
  REQUIRE(lock.state == FileLock::State::kTaken);
  CHECK(TakeFileLock(path).state == FileLock::State::kHeld);
  const auto table = ReadStatus(sweep.folder.path());
  REQUIRE(table.ok());
  CHECK(table->running == 1);
  CHECK(table->interrupted == 1);
  CHECK(table->waiting == 11);
  CHECK_FALSE(table->IsSettled());
  CHECK(StatusCounts(*table) ==
        "0 done, 0 failed, 1 running, 1 interrupted, 11 waiting, 13 in all");
  close(lock.fd);
  const auto after = ReadStatus(sweep.folder.path());
  REQUIRE(after.ok());
  CHECK(after->running == 0);
  CHECK(after->interrupted == 2);
  CHECK(Has(StatusCounts(*after), "the same 'sftbench run' continues"));
  CHECK_FALSE(ReadStatus(sweep.folder / "none").ok());
  REQUIRE(BuildReport(sweep.folder.path()).ok());
  CHECK_FALSE(BuildReport(sweep.folder / "none").ok());
}

TEST_CASE("cells of before and after an option came are the same cells",
          "[analysis][report]") {
  const auto spec_of_seed = [](int seed) {
    return absl::StrCat(
        "train: [rotten_tomatoes]\nevaluate: {tasks: [rotten_tomatoes]}\n"
        "budget: {steps: 1}\ngrid: {method: [lora], seed: [",
        seed, "]}\n");
  };
  Sweep sweep(spec_of_seed(0));
  sweep.Write([](record::RunRecord&) { return true; });
  sweep.plan = *spec::PlanOf(spec_of_seed(1), spec::LaterTables());
  REQUIRE(record::WriteManifest(sweep.paths, sweep.plan).ok());
  sweep.Write([](record::RunRecord&) { return true; });
  const auto results = CollectResults(
      sweep.folder.path(), spec::LaterOptionsOf(spec::LaterTables()));
  REQUIRE(results.ok());
  REQUIRE(results->cells.size() == 2);  // the untuned one is the first
  CHECK(results->cells[1].runs.size() == 2);
  // Not told of it, one takes them for others.
  CHECK(CollectResults(sweep.folder.path())->cells.size() == 3);
}

TEST_CASE("mixed revisions are flagged", "[analysis][report]") {
  const Sweep sweep;
  sweep.Write([](record::RunRecord& record) {
    if (record.config.seed == 1) record.provenance_build["revision"] = "other";
    return true;
  });
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  CHECK(Has(RenderReport(*report, TableFormat::kMarkdown),
            "different revisions"));
}

TEST_CASE("a comparison pairs items by row id, not by place",
          "[analysis][comparison]") {
  const Sweep sweep;
  sweep.Write([](record::RunRecord& record) {
    if (record.config.method == spec::kUntuned ||
        record.config.method == "full") {
      // The same answers, listed the other way round for one of them.
      auto& eval = record.evals[0];
      for (size_t i = 0; i < 400; ++i) {
        eval.row_ids[i] = static_cast<int64_t>(i);
        eval.metrics[0].items[i] = i < 200 ? 1 : 0;
      }
      eval.metrics[0].value = 0.5;
      if (record.config.method == spec::kUntuned) {
        std::reverse(eval.row_ids.begin(), eval.row_ids.end());
        std::reverse(eval.metrics[0].items.begin(),
                     eval.metrics[0].items.end());
      }
      return true;
    }
    return false;
  });
  const auto results = CollectResults(sweep.folder.path());
  REQUIRE(results.ok());
  const auto found =
      CompareCells(*results, 1, 0, "rotten_tomatoes", "accuracy");
  REQUIRE(found.has_value());
  CHECK(found->n_items == 400);
  CHECK(found->n_seeds == 2);
  CHECK(found->gain == 0);
  CHECK(found->claim == Claim::kTooFewSeeds);
  CHECK(std::isnan(found->p));
  CHECK(std::isnan(found->interval.low));
  CHECK_FALSE(found->wins.has_value());
}

}  // namespace
}  // namespace sft::analysis::report_test
