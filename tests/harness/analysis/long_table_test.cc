// Tables of every run and number, of the committed records.
#include "harness/analysis/long_table.h"

#include <catch2/catch.hpp>

#include "harness/analysis/observations.h"
#include "tests/harness/analysis/reference.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::long_table_test {
namespace {

TEST_CASE("the long table has every number once", "[analysis][long]") {
  const Report report = ReferenceReport("sst2");
  const Table table = LongTable(report.results);
  size_t wanted = 0, found = 0;
  for (const CollectedRun& run : report.results.runs) {
    REQUIRE(run.ok());
    for (const EvalRecord& eval : run.record->evals) {
      wanted += eval.metrics.size();
    }
    wanted += run.record->forgetting.size() + run.record->facts.size() +
              run.record->measured.size() +
              run.record->memory.predicted_bytes.size() +
              run.record->memory.measured_bytes.size();
  }
  CHECK(table.rows.size() == wanted);
  const auto text = [&](const auto& row, const char* key) {
    return row[ColumnOf(table, key)].text;
  };
  const CollectedRun& run = report.results.runs[1];
  for (const auto& row : table.rows) {
    CHECK(row.size() == table.columns.size());
    if (text(row, "run_id") != run.planned.run_id ||
        text(row, "name") != "accuracy" || text(row, "split") != "test") {
      continue;
    }
    ++found;
    CHECK(text(row, "kind") == "metric");
    CHECK(text(row, "task") == "sst2");
    CHECK(text(row, "seed") == std::to_string(run.planned.config.seed));
    CHECK(text(row, "unit") == "fraction");
    CHECK(*row[ColumnOf(table, "items")].value == 872);
    const auto round =
        static_cast<int64_t>(*row[ColumnOf(table, "round")].value);
    for (const EvalRecord& eval : run.record->evals) {
      if (eval.split != "test" || eval.round != round) continue;
      CHECK(*row[ColumnOf(table, "value")].value == eval.metrics[0].value);
    }
  }
  CHECK(found == 2);  // the base model, and after its round

  const auto csv = RenderOneTable(report, "long", TableFormat::kCsv);
  REQUIRE(csv.ok());
  const std::vector<std::string> lines = Lines(*csv);
  CHECK(lines.size() == wanted + 1);
  CHECK(lines[0] ==
        "run_id,status,method,batching,learning_rate,seed,kind,task,split,"
        "round,point,name,unit,direction,items,value,signature");
}

TEST_CASE("runs without a record stand in the long table, too",
          "[analysis][long]") {
  const Sweep sweep;
  sweep.Write(
      [](record::RunRecord& record) { return record.config.method != "lora"; });
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  const Table table = LongTable(report->results);
  size_t pending = 0;
  for (const auto& row : table.rows) {
    pending += row[ColumnOf(table, "status")].text == "pending";
  }
  CHECK(pending == 8);
}

TEST_CASE("per-seed values are those whose mean the main table has",
          "[analysis][long]") {
  const Report report = ReferenceReport("sst2");
  const Table seeds = SeedTable(report.results);
  CHECK(seeds.rows.size() == 7);
  const size_t value = ColumnOf(seeds, "sst2_accuracy");
  double sum = 0;
  for (const auto& row : seeds.rows) {
    if (row[ColumnOf(seeds, "method")].text == "full") sum += *row[value].value;
    CHECK_FALSE(row[value].sd.has_value());
    CHECK(row[ColumnOf(seeds, "run_id")].text.size() == 16);
  }
  CHECK(
      sum / 3 ==
      Approx(
          *report.main.rows[1][ColumnOf(report.main, "sst2_accuracy")].value));
  CHECK(seeds.rows[0][ColumnOf(seeds, "seed")].text.empty());
  const auto csv = RenderOneTable(report, "seeds", TableFormat::kCsv);
  REQUIRE(csv.ok());
  CHECK_FALSE(Has(*csv, "accuracy_sd"));
}

TEST_CASE("memory and speed have tables, of those that trained and waited not",
          "[analysis][long]") {
  const Report report = ReferenceReport("sst2");
  const Table memory = *TableNamed(report, "memory");
  REQUIRE(memory.rows.size() == 5);
  for (const auto& row : memory.rows) {
    const double peak = *row[ColumnOf(memory, "peak_memory_mib")].value;
    CHECK(peak > 300);
    const TableCell& plan = row[ColumnOf(memory, "predicted_mib")];
    CHECK(plan.value.has_value() == (row[0].text != spec::kUntuned));
    if (!plan.value.has_value()) continue;
    const double predicted = *plan.value;
    CHECK(*row[ColumnOf(memory, "peak_by_predicted")].value ==
          Approx(peak / predicted).epsilon(0.02));
  }
  const Table speed = *TableNamed(report, "speed");
  REQUIRE(speed.rows.size() == 4);
  CHECK(*speed.rows[0][ColumnOf(speed, "optimizer_steps")].value == 120);
  CHECK(*speed.rows[0][ColumnOf(speed, "train_wall_seconds")].value > 1);
  // hft had to wait.
  CHECK(
      Has(speed.rows[3][ColumnOf(speed, "tokens_per_second")].text, "waited"));
  CHECK_FALSE(
      speed.rows[3][ColumnOf(speed, "train_wall_seconds")].value.has_value());
}

TEST_CASE("the table of a sequence begins with the scores of all rounds",
          "[analysis][long]") {
  const Sweep sweep(
      "train: [rotten_tomatoes, bbcnews]\n"
      "evaluate: {tasks: [rotten_tomatoes, bbcnews]}\n"
      "budget: {target_tokens: 1000}\n"
      "grid: {method: [full], seed: [0]}\n");
  sweep.Write([](record::RunRecord& record) {
    const EvalRecord one = record.evals[0];
    record.evals.clear();
    const bool untuned = record.config.method == spec::kUntuned;
    for (int64_t round = 0; round <= (untuned ? 0 : 2); ++round) {
      for (const char* task : {"rotten_tomatoes", "bbcnews"}) {
        record.evals.push_back(one);
        record.evals.back().task = task;
        record.evals.back().round = round;
      }
    }
    return true;
  });
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  const auto text = RenderOneTable(*report, "sequence", TableFormat::kMarkdown);
  REQUIRE(text.ok());
  for (const char* part : {"0: base", "1: rotten_tomatoes", "2: bbcnews",
                           "Transfer and forgetting"}) {
    CHECK(Has(*text, part));
  }
  CHECK(RenderOneTable(*report, "sequence", TableFormat::kCsv)
            ->rfind("row,measure", 0) == 0);
}

}  // namespace
}  // namespace sft::analysis::long_table_test
