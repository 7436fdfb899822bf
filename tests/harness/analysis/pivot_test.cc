// Tables of any axes, of the committed records.
#include "harness/analysis/pivot.h"

#include <catch2/catch.hpp>

#include "tests/harness/analysis/reference.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::pivot_test {
namespace {

absl::StatusOr<Table> PivotOf(const Report& report, const PivotRequest& asked) {
  return PivotTable(report.results, report.tests, asked);
}

std::string ErrorOf(const Report& report, const PivotRequest& asked) {
  const auto table = PivotOf(report, asked);
  REQUIRE_FALSE(table.ok());
  return std::string(table.status().message());
}

TEST_CASE("methods by tasks, as the main table has them", "[analysis][pivot]") {
  const Report report = ReferenceReport("alpaca");
  const auto table = PivotOf(report, {.cols = {"task"}});
  REQUIRE(table.ok());
  REQUIRE(table->columns.size() == 3);
  CHECK(table->columns[1].key == "alpaca_en");
  CHECK(table->columns[1].title == "alpaca_en validation_loss (nats/token)");
  CHECK(table->columns[2].key == "ifeval_stated");
  REQUIRE(table->rows.size() == report.main.rows.size());
  const size_t main = ColumnOf(report.main, "ifeval_stated_validation_loss");
  for (size_t row = 0; row < table->rows.size(); ++row) {
    CHECK(table->rows[row][0].text == report.main.rows[row][0].text);
    CHECK(*table->rows[row][2].value == *report.main.rows[row][main].value);
  }
  CHECK(table->notes ==
        std::vector<std::string>{"validation_loss: lower is better."});

  // The other way round.
  const auto turned = PivotOf(report, {.rows = {"task"}, .cols = {"method"}});
  REQUIRE(turned.ok());
  CHECK(turned->rows.size() == 2);
  CHECK(turned->columns.size() == 1 + 5);
  CHECK(*turned->rows[1][ColumnOf(*turned, "untuned")].value ==
        *table->rows[0][2].value);
}

TEST_CASE("a cell is a mean over seeds, or each of them", "[analysis][pivot]") {
  const Report report = ReferenceReport("sst2");
  const auto mean = PivotOf(report, {.cells = {"accuracy", "gain"}});
  REQUIRE(mean.ok());
  const size_t accuracy = ColumnOf(*mean, "accuracy");
  const size_t main = ColumnOf(report.main, "sst2_accuracy");
  CHECK(*mean->rows[1][accuracy].value == *report.main.rows[1][main].value);
  CHECK(*mean->rows[1][accuracy].sd == *report.main.rows[1][main].sd);
  CHECK_FALSE(mean->rows[2][accuracy].sd.has_value());
  const TableCell gain = mean->rows[1][ColumnOf(*mean, "gain")];
  CHECK(gain.interval.has_value());
  CHECK(gain.mark == "*");

  const auto seeds =
      PivotOf(report, {.rows = {"method", "seed"}, .cells = {"accuracy"}});
  REQUIRE(seeds.ok());
  REQUIRE(seeds->rows.size() == 7);
  double sum = 0;
  for (size_t row = 1; row <= 3; ++row) {
    CHECK(seeds->rows[row][0].text == "full");
    CHECK(seeds->rows[row][1].text == std::to_string(row - 1));
    sum += *seeds->rows[row][2].value;
  }
  CHECK(sum / 3 == Approx(*report.main.rows[1][main].value));

  // Where seeds are columns, the untuned model stands in each.
  const auto wide =
      PivotOf(report, {.cols = {"seed"}, .cells = {"accuracy"}, .where = {}});
  REQUIRE(wide.ok());
  CHECK(wide->columns.size() == 1 + 3);
  CHECK(wide->columns[3].key == "seed_2");
  for (size_t i = 1; i <= 3; ++i) {
    CHECK(*wide->rows[0][i].value == *mean->rows[0][accuracy].value);
  }
  CHECK_FALSE(wide->rows[2][2].value.has_value());
}

TEST_CASE("facts and what was measured, and conditions", "[analysis][pivot]") {
  const Report report = ReferenceReport("sst2");
  const auto where = ParseConditions("method!=hft,seed=0");
  REQUIRE(where.ok());
  const auto table = PivotOf(
      report,
      {.cells = {"optimizer_steps", "peak_memory_mib"}, .where = *where});
  REQUIRE(table.ok());
  CHECK(table->rows.size() == 4);
  CHECK(*table->rows[1][1].value == 120);
  CHECK(*table->rows[1][2].value > 300);
  CHECK_FALSE(table->rows[1][2].sd.has_value());
}

TEST_CASE("what is of a run stands beside what is of its tasks",
          "[analysis][pivot]") {
  const Report report = ReferenceReport("alpaca");
  const auto table = PivotOf(
      report, {.cols = {"task"}, .cells = {"score", "peak_memory_mib"}});
  REQUIRE(table.ok());
  REQUIRE(table->columns.size() == 1 + 3);
  CHECK(table->columns[1].key == "alpaca_en_score");
  CHECK(table->columns[3].key == "peak_memory_mib");
  for (const auto& row : table->rows) {
    for (size_t i = 1; i <= 3; ++i) CHECK(row[i].value.has_value());
  }
  const auto one =
      PivotOf(report, {.cells = {"score", "peak_memory_mib"},
                       .where = *ParseConditions("task=alpaca_en")});
  REQUIRE(one.ok());
  CHECK(one->columns.size() == 3);
}

TEST_CASE("no mean is taken over what is no seed", "[analysis][pivot]") {
  const Report two_tasks = ReferenceReport("alpaca");
  CHECK(Has(ErrorOf(two_tasks, {}),
            "differ in task, and no mean is taken over that: name it in "
            "--rows or --cols, or choose with --where task=VALUE"));
  const Sweep sweep(
      "train: [rotten_tomatoes]\n"
      "evaluate: {tasks: [rotten_tomatoes]}\n"
      "budget: {target_tokens: 1000}\n"
      "grid: {method: [full, lora], seed: [0], batching: [padded, packed]}\n");
  sweep.Write([](record::RunRecord&) { return true; });
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  CHECK(Has(ErrorOf(*report, {.cells = {"accuracy"}}), "differ in batching"));
  const auto table =
      PivotOf(*report, {.cols = {"batching"}, .cells = {"accuracy"}});
  REQUIRE(table.ok());
  CHECK(table->rows.size() == 3);
  CHECK(table->columns.size() == 3);
}

TEST_CASE("rows that were selected stand for their method",
          "[analysis][pivot]") {
  const Sweep sweep;
  sweep.Write([](record::RunRecord&) { return true; });
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  const auto table = PivotOf(
      *report,
      {.rows = {"method"}, .cols = {"batching"}, .cells = {"accuracy"}});
  REQUIRE(table.ok());
  CHECK(Has(table->notes.back(), "selected by validation_loss"));
  // Rank 64, as in the main table.
  const size_t main = ColumnOf(report->main, "rotten_tomatoes_accuracy");
  for (const auto& row : report->main.rows) {
    if (row[ColumnOf(report->main, "lora.rank")].text != "64") continue;
    const std::string batching = row[ColumnOf(report->main, "batching")].text;
    CHECK(*table->rows[2][ColumnOf(*table, batching)].value ==
          *row[main].value);
  }
}

TEST_CASE("errors list what may be asked for", "[analysis][pivot]") {
  const Report report = ReferenceReport("sst2");
  const std::string axis = ErrorOf(report, {.rows = {"methd"}});
  CHECK(Has(axis,
            "--rows methd: no axis of these runs; wanted one of method, "
            "batching, learning_rate, seed, task, round"));
  CHECK(Has(axis, "did you mean 'method'?"));
  const std::string cell = ErrorOf(report, {.cells = {"acuracy"}});
  CHECK(Has(cell, "--cell acuracy: no number of these runs"));
  CHECK(Has(cell, "did you mean 'accuracy'?"));
  CHECK(Has(ErrorOf(report, {.rows = {"seed"}, .cells = {"gain"}}),
            "leave seed out"));
  const std::string where =
      ErrorOf(report, {.where = *ParseConditions("sed=1")});
  CHECK(Has(where, "--where sed"));
}

}  // namespace
}  // namespace sft::analysis::pivot_test
