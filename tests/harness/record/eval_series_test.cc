#include "harness/record/eval_series.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "harness/record/record_items.h"
#include "tests/harness/record/sample_record.h"

namespace sft::record::eval_series_test {
namespace {

EvalRecord EvalOf(const std::string& task, const std::string& split,
                  int64_t round, double value) {
  EvalRecord eval;
  eval.task = task;
  eval.split = split;
  eval.round = round;
  eval.row_ids = {4, 7, 9};
  eval.predictions = {round, 0, 1};
  eval.references = {1, 0, 1};
  eval.tokens = 10 + round;
  eval.wall_seconds = 0.5 * static_cast<double>(round);
  eval.metrics = {
      {"accuracy", value, "fraction", "acc|v1", true, {1, value, 0}},
      {"f1_macro", value / 2, "fraction", "f1|v1", true, {}}};
  eval.metrics[1].sums = {1, 2, value, 4, 5, 6};
  eval.metrics[1].sum_columns = 2;
  return eval;
}

RunRecord OfRounds() {
  RunRecord record = SampleRecord();
  record.config.train = {"a", "b:0.9+a:0.1"};
  record.evals.clear();
  for (int64_t round = 0; round < 3; ++round) {
    record.evals.push_back(EvalOf("a", "test", round, 0.25 * round));
    record.evals.push_back(EvalOf("b", "test", round, 0.125 * round));
    record.evals.push_back(EvalOf("w/x", "heldout", round, 3.0 - round));
    record.evals.back().metrics[0].higher_is_better = false;
  }
  record.evals.push_back(EvalOf("w/x", "curve", 1, 0.5));
  record.evals.back().point = 20;
  return record;
}

const H5Item* FindItem(const std::vector<H5Item>& items,
                       const std::string& path) {
  for (const H5Item& item : items) {
    if (item.path == path && item.attribute.empty()) return &item;
  }
  return nullptr;
}

TEST_CASE("rounds are kept as one array a set, and read back as they were",
          "[record][series]") {
  const ScratchFolder folder;
  const RunRecord record = OfRounds();
  REQUIRE(KeepsSeries(record));
  REQUIRE(WriteRunRecord(record, folder / "a.h5").ok());
  const auto back = ReadRunRecord(folder / "a.h5");
  INFO(back.status().ToString());
  REQUIRE(back.ok());
  CHECK(WholeDigest(ItemsOfRecord(*back)) ==
        WholeDigest(ItemsOfRecord(record)));
  REQUIRE(back->evals.size() == record.evals.size());
  for (size_t i = 0; i < record.evals.size(); ++i) {
    const EvalRecord& want = record.evals[i];
    const EvalRecord& have = back->evals[i];
    CHECK(have.task == want.task);
    CHECK(have.split == want.split);
    CHECK(have.round == want.round);
    CHECK(have.point == want.point);
    CHECK(have.tokens == want.tokens);
    CHECK(have.wall_seconds == want.wall_seconds);
    CHECK(have.row_ids == want.row_ids);
    CHECK(have.predictions == want.predictions);
    CHECK(have.references == want.references);
    REQUIRE(have.metrics.size() == 2);
    for (size_t m = 0; m < 2; ++m) {
      CHECK(have.metrics[m].name == want.metrics[m].name);
      CHECK(have.metrics[m].value == want.metrics[m].value);
      CHECK(have.metrics[m].unit == want.metrics[m].unit);
      CHECK(have.metrics[m].signature == want.metrics[m].signature);
      CHECK(have.metrics[m].higher_is_better ==
            want.metrics[m].higher_is_better);
      CHECK(have.metrics[m].items == want.metrics[m].items);
      CHECK(have.metrics[m].sums == want.metrics[m].sums);
      CHECK(have.metrics[m].sum_columns == want.metrics[m].sum_columns);
    }
  }
}

TEST_CASE("the matrix of scores is a data set, the base model first",
          "[record][series]") {
  const std::vector<H5Item> items = ItemsOfRecord(OfRounds());
  const H5Item* found = FindItem(items, "/sequence/scores");
  REQUIRE(found != nullptr);
  const H5Matrix& R = std::get<H5Matrix>(found->value);
  CHECK(R.columns == 3);
  CHECK(R.values == std::vector<double>{0, 0, 3, 0.25, 0.125, 2, 0.5, 0.25, 1});
  CHECK(std::get<std::vector<std::string>>(
            FindItem(items, "/sequence/sets")->value) ==
        std::vector<std::string>{"a accuracy", "b accuracy", "w/x accuracy"});
  CHECK(std::get<std::vector<int64_t>>(
            FindItem(items, "/sequence/higher_is_better")->value) ==
        std::vector<int64_t>{1, 1, 0});
  CHECK(std::get<std::vector<int64_t>>(
            FindItem(items, "/sequence/own_round")->value) ==
        std::vector<int64_t>{1, 2, 0});
}

TEST_CASE("items that differ over rounds are series of their own",
          "[record][series]") {
  const ScratchFolder folder;
  RunRecord record = OfRounds();
  record.evals[3].row_ids = {4, 7, 11};
  record.evals[6].metrics[0].signature = "acc|v2";
  REQUIRE(WriteRunRecord(record, folder / "a.h5").ok());
  const auto back = ReadRunRecord(folder / "a.h5");
  REQUIRE(back.ok());
  CHECK(WholeDigest(ItemsOfRecord(*back)) ==
        WholeDigest(ItemsOfRecord(record)));
  CHECK(back->evals[3].row_ids == record.evals[3].row_ids);
  CHECK(back->evals[6].metrics[0].signature == "acc|v2");
}

TEST_CASE("a record of one round without points is as it ever was",
          "[record][series]") {
  const RunRecord record = SampleRecord();
  CHECK_FALSE(KeepsSeries(record));
  for (const H5Item& item : ItemsOfRecord(record)) {
    CHECK(item.path.rfind("/series", 0) != 0);
    CHECK(item.path.rfind("/sequence", 0) != 0);
    if (item.attribute == "schema_version") {
      CHECK(std::get<int64_t>(item.value) == 2);
    }
  }
}

TEST_CASE("five rounds of eight sets, and fourteen points, are small",
          "[record][series]") {
  const ScratchFolder folder;
  RunRecord record = SampleRecord();
  record.requested_spec = std::string(2000, '#');
  record.config.train = {"a", "b", "c", "d", "e"};
  record.evals.clear();
  uint64_t draw = 1;
  const auto random = [&draw] {
    draw = draw * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(draw >> 11) / 9007199254740992.0;
  };
  const auto add = [&](const std::string& task, const std::string& split,
                       int64_t round, double point, int items, bool is_loss) {
    EvalRecord eval;
    eval.task = task;
    eval.split = split;
    eval.round = round;
    eval.point = point;
    MetricRecord metric{
        is_loss ? "loss" : "accuracy", 0.5, "u", "s", !is_loss, {}};
    MetricRecord weights{"tokens", 1, "tokens", "t", true, {}};
    for (int i = 0; i < items; ++i) {
      eval.row_ids.push_back(17 * i);
      const double value = random();
      metric.items.push_back(is_loss ? value : value < 0.5);
      if (is_loss) weights.items.push_back(i % 7);
      if (is_loss) continue;
      eval.references.push_back(i % 4);
      eval.predictions.push_back(value < 0.5 ? i % 4 : (i + 1) % 4);
    }
    eval.metrics = {metric};
    if (is_loss) eval.metrics.push_back(weights);
    record.evals.push_back(eval);
  };
  for (int64_t round = 0; round <= 5; ++round) {
    for (const char* task : {"a", "b", "c", "d", "e", "arc", "lambada"}) {
      add(task, "test", round, 0, 100, false);
    }
    for (const char* task : {"a", "b", "c", "d", "e"}) {
      add(task, "validation", round, 0, 50, true);
    }
    add("wiki", "heldout", round, 0, 8, true);
  }
  for (int point = 1; point <= 14; ++point) {
    add("wiki", "curve", 5, point, 8, true);
    add("a", "curve", 5, point, 50, true);
  }
  REQUIRE(WriteRunRecord(record, folder / "a.h5").ok());
  const auto size = std::filesystem::file_size(folder / "a.h5");
  WARN("a record of five rounds: " << size << " bytes");
  CHECK(size < 80 * 1024);
}

}  // namespace
}  // namespace sft::record::eval_series_test
