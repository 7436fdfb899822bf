#include "harness/analysis/way_points.h"

#include <catch2/catch.hpp>

#include "harness/analysis/equal_target.h"
#include "harness/analysis/front_table.h"
#include "harness/analysis/point_tables.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::way_points_test {
namespace {

TEST_CASE("pooled values do not increase, and are the means of their blocks",
          "[analysis][points]") {
  CHECK(NonIncreasing({3, 2, 1}) == std::vector<double>{3, 2, 1});
  CHECK(NonIncreasing({1, 2, 3}) == std::vector<double>{2, 2, 2});
  CHECK(NonIncreasing({4, 1, 3, 2}) == std::vector<double>{4, 2, 2, 2});
  CHECK(NonIncreasing({4, 3, 5, 1}) == std::vector<double>{4, 4, 4, 1});
  CHECK(NonIncreasing({}).empty());
}

TEST_CASE("a level is read between two points, and never beyond the ends",
          "[analysis][points]") {
  const std::vector<double> values = {4, 2, 2, 1};
  CHECK_FALSE(FirstAt(values, 4.5).has_value());
  CHECK_FALSE(FirstAt(values, 0.5).has_value());
  CHECK_FALSE(FirstAt({}, 1).has_value());
  CHECK(FirstAt(values, 4)->point == 0);
  CHECK(FirstAt(values, 4)->share == 0);
  CHECK(FirstAt(values, 3)->point == 0);
  CHECK(FirstAt(values, 3)->share == 0.5);
  // Where it first is as good as that.
  CHECK(FirstAt(values, 2)->point == 0);
  CHECK(FirstAt(values, 2)->share == 1);
  CHECK(FirstAt(values, 1.25)->point == 2);
  CHECK(FirstAt(values, 1.25)->share == 0.75);
}

EvalRecord EvalOf(const std::string& task, const std::string& split,
                  int64_t round, double point, const std::string& metric,
                  double value) {
  EvalRecord eval;
  eval.task = task;
  eval.split = split;
  eval.round = round;
  eval.point = point;
  MetricRecord one;
  one.name = metric;
  one.unit = "nats/token";
  one.higher_is_better = false;
  one.value = value;
  for (int i = 0; i < 4; ++i) {
    eval.row_ids.push_back(i);
    one.items.push_back(value + (i % 2 == 0 ? 0.25 : -0.25));
  }
  eval.metrics = {one};
  return eval;
}

// Losses of base, points and end, and what the text is there.
record::RunRecord RunWith(const std::string& method, int64_t seed,
                          const std::vector<double>& losses,
                          const std::vector<double>& texts,
                          const std::string& split = "curve") {
  record::RunRecord record;
  record.run_id = method + std::to_string(seed);
  record.status = RunStatus::kOk;
  record.config.method = method;
  record.config.seed = seed;
  record.config.train = {"task"};
  record.config.evaluate = {"task"};
  record.config.retain = {"text"};
  record.facts["optimizer_steps"] = 40;
  for (size_t p = 0; p < losses.size(); ++p) {
    const bool is_end = p + 1 == losses.size();
    const bool is_point = p > 0 && !is_end;
    const int64_t round = p == 0 ? 0 : 1;
    const double at = !is_point ? 0 : split == "curve" ? 10.0 * p : 0.25 * p;
    record.evals.push_back(EvalOf("task", is_point ? split : "validation",
                                  round, at, "validation_loss", losses[p]));
    record.evals.push_back(EvalOf("text", is_point ? split : "heldout", round,
                                  at, "cross_entropy", texts[p]));
  }
  return record;
}

// Cell 0 is the baseline of cell 1.
Results ResultsOf(const std::vector<record::RunRecord>& records) {
  Results results;
  for (const record::RunRecord& record : records) {
    const size_t cell = record.config.method == "full" ? 0 : 1;
    CollectedRun run;
    run.planned.config = record.config;
    run.planned.run_id = record.run_id;
    if (cell == 1) {
      run.planned.baseline_id = "full" + std::to_string(record.config.seed);
    }
    run.record = record;
    run.state = "ok";
    while (results.cells.size() <= cell) results.cells.emplace_back();
    results.cells[cell].axes = {{"method", record.config.method},
                                {"batching", "padded"}};
    results.cells[cell].runs.push_back(results.runs.size());
    results.runs.push_back(std::move(run));
  }
  results.IndexRuns();
  return results;
}

TEST_CASE("a way goes from the base model over its points to the end",
          "[analysis][points]") {
  const auto record = RunWith("full", 0, {4, 3, 2, 1}, {1, 2, 3, 4});
  const std::vector<WayPoint> way = WayOf(record, "curve");
  REQUIRE(way.size() == 4);
  CHECK(way[0].at == 0);
  CHECK(way[2].at == 20);
  CHECK(way[3].at == 40);
  CHECK(way[0].scores.at("task").value == 4);
  CHECK(way[3].scores.at("text").value == 4);
  CHECK(WayOf(record, "rewind").empty());
  const auto place = PlaceAtTarget(way, "task", 2.5);
  REQUIRE(place.has_value());
  const auto read = ReadAt(way, "text", *place);
  REQUIRE(read.has_value());
  const std::vector<SeedContrast> one = {SeedContrast{*read}};
  CHECK(EstimateOf(one, "x")->value == 2.5);
}

TEST_CASE("methods are read where both are as good as the worse one's end",
          "[analysis][points]") {
  std::vector<record::RunRecord> records;
  for (int64_t seed = 0; seed < 3; ++seed) {
    const double e = 0.1 * static_cast<double>(seed);
    // The baseline comes to 2 at its end, the other one passes it half way
    // between its second point and its third.
    records.push_back(
        RunWith("full", seed, {4, 3, 2.5, 2}, {1, 1.1, 1.2, 2 + e}));
    records.push_back(
        RunWith("half", seed, {4, 3, 2.5, 1.5}, {1, 1.1, 1.2, 1.6}));
  }
  // Never comes down to 2.
  records.push_back(RunWith("full", 3, {4, 3, 2.5, 2}, {1, 1.1, 1.2, 2}));
  records.push_back(RunWith("half", 3, {4, 3.9, 3.8, 2.25}, {1, 1, 1, 1}));
  const Results results = ResultsOf(records);
  const Table table = EqualTargetTable(results);
  REQUIRE(table.rows.size() == 1);
  const auto cell = [&](const char* key) {
    return table.rows[0][ColumnOf(table, key)];
  };
  CHECK(*cell("level").value == Approx(2.0));
  CHECK(*cell("pairs").value == 3);
  CHECK(*cell("missed").value == 1);
  CHECK(*cell("row_value").value == Approx(1.4));
  CHECK(*cell("against_value").value == Approx(2.1));
  CHECK(*cell("difference").value == Approx(-0.7));
  REQUIRE(cell("difference").interval.has_value());
  CHECK(cell("difference").interval->low < -0.7);
  CHECK(cell("difference").interval->high > -0.7);
  CHECK(cell("p").value.has_value());

  const Table front = FrontTable(results);
  REQUIRE(front.rows.size() == 2);
  // `half` ends with a lower loss and has kept more.
  CHECK(front.rows[0][ColumnOf(front, "front")].text.empty());
  CHECK(front.rows[1][ColumnOf(front, "front")].text == "*");
  CHECK(CurveTable(results).rows.size() == 8);
  CHECK(RewindTable(results).rows.empty());
}

TEST_CASE("losses of different models or targets share no front",
          "[analysis][points]") {
  record::RunRecord full = RunWith("full", 0, {4, 3, 2}, {1, 1.5, 2});
  record::RunRecord half = RunWith("half", 0, {4, 2, 1}, {1, 1.2, 1.6});
  half.config.model = "another";
  const Table front = FrontTable(ResultsOf({full, half}));
  REQUIRE(front.rows.size() == 2);
  for (const auto& row : front.rows) {
    CHECK(row[ColumnOf(front, "front")].text == "*");
    CHECK(row[ColumnOf(front, "target")].text == "task validation loss");
  }
  half.config.model = full.config.model;
  const Table shared = FrontTable(ResultsOf({full, half}));
  CHECK(shared.rows[0][ColumnOf(shared, "front")].text.empty());
}

TEST_CASE("a sequence's curve begins at each seed's round before, not the base",
          "[analysis][points]") {
  std::vector<record::RunRecord> records = {
      RunWith("full", 0, {4, 3, 2}, {1, 1, 1}),
      RunWith("full", 1, {5, 3, 2}, {1, 1, 1})};
  const Table one_round = CurveTable(ResultsOf(records));
  const size_t loss = ColumnOf(one_round, "task_validation_loss");
  CHECK(one_round.rows[0][1].text == "base");
  CHECK(*one_round.rows[0][loss].value == 4);  // the one base model's
  for (record::RunRecord& record : records) {
    record.config.train = {"first", "task"};
    for (EvalRecord& eval : record.evals) ++eval.round;
  }
  const Table table = CurveTable(ResultsOf(records));
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0][1].text == "before");
  CHECK(*table.rows[0][loss].value == 4.5);
}

TEST_CASE("the alpha that is reported is the smallest that is as good",
          "[analysis][points]") {
  // The end's standard error is some 0.12: 1.1 is within it, 1.5 is not.
  const Results results = ResultsOf(
      {RunWith("full", 0, {4, 1.5, 1.1, 1.05, 1}, {1, 2, 3, 4, 5}, "rewind")});
  const Table table = RewindTable(results);
  REQUIRE(table.rows.size() == 5);
  const size_t mark = ColumnOf(table, "reported");
  for (size_t p = 0; p < 5; ++p) {
    INFO(p);
    CHECK(table.rows[p][mark].text == (p == 2 ? "*" : ""));
  }
  CHECK(table.rows[1][1].text == "0.25");
  CHECK(table.rows[4][1].text == "end");
}

}  // namespace
}  // namespace sft::analysis::way_points_test
