#include "harness/analysis/paired_items.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/analysis/statistics.h"
#include "harness/core/rng.h"

namespace sft::analysis::paired_items_test {
namespace {
using nlohmann::json;

// What a record keeps of one system of a golden case.
EvalRecord RecordOf(const std::string& metric, const json& system) {
  EvalRecord eval;
  MetricRecord primary;
  primary.name = metric;
  primary.value = system["value"];
  if (system.contains("items")) {
    primary.items = system["items"].get<std::vector<double>>();
  }
  if (system.contains("sums")) {
    for (const json& row : system["sums"]) {
      primary.sum_columns = static_cast<int64_t>(row.size());
      for (const json& n : row) primary.sums.push_back(n);
    }
  }
  if (system.contains("predictions")) {
    eval.predictions = system["predictions"].get<std::vector<int64_t>>();
    eval.references = system["references"].get<std::vector<int64_t>>();
  }
  eval.metrics.push_back(primary);
  if (system.contains("weights")) {
    MetricRecord counts;
    counts.name = "validation_target_tokens";
    counts.items = system["weights"].get<std::vector<double>>();
    eval.metrics.push_back(counts);
  }
  return eval;
}

PairedItems PairsOf(const json& golden, const std::string& metric,
                    const json& systems) {
  std::vector<ItemSums> evaluations;
  for (const json& system : systems) {
    const EvalRecord eval = RecordOf(metric, system);
    auto sums = SumsOfItems(eval, eval.metrics[0]);
    REQUIRE(sums.has_value());
    evaluations.push_back(*std::move(sums));
  }
  auto pairs = PairedItems::Of(
      std::move(evaluations),
      golden["pairs"].get<std::vector<std::pair<size_t, size_t>>>());
  REQUIRE(pairs.has_value());
  return *std::move(pairs);
}

Bootstrap BootstrapOfPairs(const PairedItems& items, const std::string& salt,
                           int resamples) {
  return BootstrapOf(items.n_items(), items.n_seeds(),
                     [&](const std::vector<double>& items_I,
                         const std::vector<double>& seeds_S) {
                       return items.Difference(items_I, seeds_S);
                     },
                     salt, {.resamples = resamples});
}

double PermutationOf(const PairedItems& items) {
  return PairedPermutationP(
      items.n_differing(),
      [&](const std::vector<char>& swapped) {
        return items.SwappedDifference(swapped);
      },
      "x");
}

TEST_CASE(
    "intervals and p values equal numpy's over draws that sacreBLEU, seqeval "
    "and scikit-learn scored",
    "[analysis][paired_items]") {
  std::ifstream in(std::string(SFT_SOURCE_DIR) +
                   "/tests/golden/bootstrap.json");
  const json golden = json::parse(in);
  REQUIRE(golden["cases"].size() == 7);
  for (const json& c : golden["cases"]) {
    const std::string metric = c["metric"];
    INFO(metric);
    const auto near = [&](const char* name) {
      return Approx(c[name].get<double>()).margin(1e-9).epsilon(0);
    };
    const PairedItems items = PairsOf(golden, metric, c["systems"]);
    CHECK(items.n_items() == 24);
    CHECK(items.n_seeds() == 2);
    CHECK(items.Difference() == near("difference"));
    const Bootstrap made =
        BootstrapOfPairs(items, golden["salt"], golden["draws"]);
    CHECK(made.interval.low == near("low"));
    CHECK(made.interval.high == near("high"));
    CHECK(made.standard_error == near("standard_error"));
    CHECK(PermutationOf(PairsOf(golden, metric, c["few"])) == near("few_p"));
  }
}

EvalRecord MeanRecord(const std::vector<double>& items) {
  EvalRecord eval;
  MetricRecord metric;
  metric.name = "accuracy";
  metric.items = items;
  metric.value = Mean(items);
  eval.metrics = {metric};
  return eval;
}

ItemSums SumsOf(const EvalRecord& eval) {
  const auto sums = SumsOfItems(eval, eval.metrics[0]);
  REQUIRE(sums.has_value());
  return *sums;
}

TEST_CASE("two items have the interval that can be counted",
          "[analysis][paired_items]") {
  // Differences 1 and 0: the mean of a draw is 0, 0.5, 1 with 1/4, 1/2, 1/4.
  const auto items = PairedItems::Of(
      {SumsOf(MeanRecord({1, 0})), SumsOf(MeanRecord({0, 0}))}, {{0, 1}});
  REQUIRE(items.has_value());
  CHECK(items->n_differing() == 1);
  const Bootstrap made = BootstrapOfPairs(*items, "x", 10000);
  CHECK(made.interval.low == 0);
  CHECK(made.interval.high == 1);
  CHECK(made.standard_error == Approx(std::sqrt(0.125)).epsilon(0.03));
  CHECK(PermutationOf(*items) == 1);
  const Bootstrap again = BootstrapOfPairs(*items, "x", 10000);
  CHECK(again.standard_error == made.standard_error);
  CHECK(BootstrapOfPairs(*items, "y", 10000).standard_error !=
        made.standard_error);
}

TEST_CASE("an interval of 95 % covers the true difference about so often",
          "[analysis][paired_items]") {
  // Of 60 items the first model has 0.7 right and the second 0.5, paired: 0.4
  // both, 0.3 the first alone, 0.1 the second alone.
  Rng rng(7, Stream::kInit, "coverage");
  int covered = 0;
  constexpr int kStudies = 400;
  for (int study = 0; study < kStudies; ++study) {
    std::vector<double> first, second;
    for (int i = 0; i < 60; ++i) {
      const double u = rng.Uniform();
      first.push_back(u < 0.7 ? 1 : 0);
      second.push_back(u < 0.4 || (u >= 0.7 && u < 0.8) ? 1 : 0);
    }
    const auto items = PairedItems::Of(
        {SumsOf(MeanRecord(first)), SumsOf(MeanRecord(second))}, {{0, 1}});
    const Interval interval =
        BootstrapOfPairs(*items, std::to_string(study), 400).interval;
    covered += interval.low <= 0.2 && 0.2 <= interval.high;
  }
  // Percentile intervals of 60 items cover a little less; s.d. of the
  // count 4.4.
  CHECK(covered >= 0.91 * kStudies);
  CHECK(covered <= 0.98 * kStudies);
}

TEST_CASE("rows are paired by id, and items of one row are one draw",
          "[analysis][paired_items]") {
  EvalRecord first = MeanRecord({1, 0, 1});
  first.row_ids = {5, 6, 7};
  EvalRecord second = MeanRecord({0, 1, 1, 0});
  second.row_ids = {7, 5, 9, 9};  // two windows of row 9
  CHECK(SumsOf(second).rows.size() == 3);
  const auto items = PairedItems::Of({SumsOf(first), SumsOf(second)}, {{0, 1}});
  REQUIRE(items.has_value());
  CHECK(items->n_items() == 2);       // 5 and 7
  CHECK(items->Difference() == 0.5);  // 1, 1 against 1, 0
  CHECK(items->n_differing() == 1);
  const auto scores = items->ItemScores();
  REQUIRE(scores.has_value());
  CHECK(scores->first_SI[0] == std::vector<double>{1, 1});
  CHECK(scores->second_SI[0] == std::vector<double>{1, 0});
  second.row_ids = {1, 2, 3, 4};
  CHECK_FALSE(
      PairedItems::Of({SumsOf(first), SumsOf(second)}, {{0, 1}}).has_value());
  CHECK_FALSE(PairedItems::Of({}, {}).has_value());
}

TEST_CASE("a record whose items do not make up its metric is not resampled",
          "[analysis][paired_items]") {
  EvalRecord eval = MeanRecord({1, 0});
  const auto has_sums = [&] {
    return SumsOfItems(eval, eval.metrics[0]).has_value();
  };
  CHECK(has_sums());
  eval.metrics[0].value = 0.75;
  CHECK_FALSE(has_sums());
  eval.metrics[0].value = std::nan("");
  CHECK_FALSE(has_sums());
  eval.metrics[0].items.clear();
  CHECK_FALSE(has_sums());
  // BLEU of a record without sums has items, but is no mean of them.
  eval = MeanRecord({30, 50});
  eval.metrics[0].name = "bleu";
  eval.metrics[0].value = 37;
  CHECK_FALSE(has_sums());
  eval.metrics[0].sums = {1, 2};
  eval.metrics[0].sum_columns = 1;
  CHECK_FALSE(has_sums());
  // Labels that no task has.
  eval = EvalRecord();
  eval.metrics = {{"f1_macro", 1, "fraction", "", true, {}}};
  CHECK_FALSE(has_sums());
  eval.predictions = eval.references = {0, 1};
  CHECK(has_sums());
  eval.predictions = eval.references = {0, int64_t{1} << 40};
  CHECK_FALSE(has_sums());
  eval.predictions = {-1, 1};
  eval.references = {0, 1};  // -1 occurs, as a label with F1 0
  eval.metrics[0].value = 1.0 / 3;
  CHECK(has_sums());
}

}  // namespace
}  // namespace sft::analysis::paired_items_test
