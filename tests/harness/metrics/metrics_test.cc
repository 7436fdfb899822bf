// Metrics against scikit-learn and against values worked out by hand.
#include "harness/metrics/metrics.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/metrics/forgetting.h"
#include "harness/metrics/metric_records.h"
#include "tests/support/paths.h"

namespace sft::metrics::metrics_test {
namespace {

TEST_CASE("accuracy and macro F1 equal scikit-learn's", "[metrics]") {
  std::ifstream in(support::SourceDir() / "tests/golden/eval_f1.json");
  const nlohmann::json golden = nlohmann::json::parse(in);
  REQUIRE(golden["cases"].size() == 9);
  for (const auto& c : golden["cases"]) {
    INFO(c["name"].get<std::string>());
    const std::vector<int64_t> predictions = c["predictions"];
    const std::vector<int64_t> references = c["references"];
    const MetricScore accuracy = Accuracy(predictions, references);
    CHECK(accuracy.value == Approx(c["accuracy"].get<double>()).epsilon(1e-12));
    CHECK(accuracy.items.size() == references.size());
    CHECK(MacroF1(predictions, references).value ==
          Approx(c["f1_macro"].get<double>()).epsilon(1e-12));
  }
}

TEST_CASE("a mean of nats weighs groups by their tokens", "[metrics]") {
  const MetricRecord mean =
      MeanNats("validation_loss", {2.0, 9.0}, {1, 3}, "x");
  CHECK(mean.value == Approx(11.0 / 4));
  CHECK(mean.items == std::vector<double>{2.0, 3.0});
  CHECK_FALSE(mean.higher_is_better);
  CHECK(mean.unit == "nats/token");
  CHECK(mean.signature.find("|x") != std::string::npos);
  CHECK(TokenCounts("validation_target_tokens", {1, 3}).value == 4);
}

TEST_CASE("metrics are found by name, unknown ones are none", "[metrics]") {
  for (const Metric& info : AllMetrics()) {
    CHECK((FindMetric(info.name) == &info));
  }
  CHECK((FindMetric("f2") == nullptr));
}

TEST_CASE("the rows of the table are whole", "[metrics]") {
  std::set<std::string> names;
  for (const Metric& metric : AllMetrics()) {
    INFO(metric.name);
    CHECK(names.insert(metric.name).second);
    CHECK_FALSE(metric.unit.empty());
    CHECK_FALSE(metric.signature.empty());
    CHECK_FALSE(metric.summary.empty());
    const bool is_mean = metric.sums.of == SumsOf::kItems;
    CHECK((metric.sums.columns > 0) == !is_mean);
    CHECK((metric.sums.value != nullptr) == !is_mean);
    if (!metric.weights.empty()) CHECK(FindMetric(metric.weights) != nullptr);
    if (metric.sums.of == SumsOf::kLabels) CHECK(metric.labels != nullptr);
    if (metric.sums.of == SumsOf::kRecordOfLabels) {
      CHECK(metric.label_sets != nullptr);
    }
  }
}

TEST_CASE("tables call a metric by its title", "[metrics]") {
  CHECK(TitleOf(*FindMetric("f1_macro"), "test") == "macro F1");
  CHECK(TitleOf(*FindMetric("validation_loss"), "test") == "test loss");
  CHECK(TitleOf(*FindMetric("bleu"), "test") == "bleu");
}

// Three tasks; worked out by hand from the definitions.
ScoreMatrix Three() {
  return {
      {{0.8, 0.3, 0.2}, {0.9, 0.7, 0.4}, {0.6, 0.5, 0.9}}, {0.1, 0.2, 0.3}, {}};
}

TEST_CASE("the measures of a sequence of tasks follow their definitions",
          "[metrics][forgetting]") {
  const ScoreMatrix s = Three();
  REQUIRE(CheckScores(s).ok());
  CHECK(OverallPerformance(s) == Approx((0.6 + 0.5 + 0.9) / 3));
  CHECK(LearningAccuracy(s) == Approx((0.8 + 0.7 + 0.9) / 3));
  // (0.6 - 0.8) + (0.5 - 0.7) = -0.4
  CHECK(*BackwardTransfer(s) == Approx(-0.2));
  CHECK(BackwardTransferGemCode(s) == Approx(-0.4 / 3));
  // (0.3 - 0.2) + (0.4 - 0.3) = 0.2
  CHECK(*ForwardTransfer(s) == Approx(0.1));
  // (max(0.8, 0.9) - 0.6) + (0.7 - 0.5) = 0.5
  CHECK(*ChaudhryForgetting(s) == Approx(0.25));
  const auto intransigence = Intransigence(s, {0.85, 0.7, 0.8});
  REQUIRE(intransigence.ok());
  CHECK((*intransigence)[0] == Approx(0.05));
  CHECK((*intransigence)[1] == Approx(0.0).margin(1e-12));
  CHECK((*intransigence)[2] == Approx(-0.1));
}

TEST_CASE("losses enter negated", "[metrics][forgetting]") {
  // A loss that rises from 1 to 3 on the first task.
  ScoreMatrix losses = {{{1, 5}, {3, 2}}, {4, 6}, {}};
  NegateTask(0, losses);
  NegateTask(1, losses);
  CHECK(*BackwardTransfer(losses) == Approx(-2));
  CHECK(*ChaudhryForgetting(losses) == Approx(2));
  CHECK(*ForwardTransfer(losses) == Approx(1));
}

TEST_CASE("one task has no transfer, and broken matrices are refused",
          "[metrics][forgetting]") {
  const ScoreMatrix one = {{{0.5}}, {}, {}};
  CHECK(CheckScores(one).ok());
  CHECK_FALSE(BackwardTransfer(one).has_value());
  CHECK_FALSE(ForwardTransfer(one).has_value());
  CHECK_FALSE(ChaudhryForgetting(one).has_value());
  CHECK(OverallPerformance(one) == 0.5);
  CHECK_FALSE(CheckScores({{}, {}, {}}).ok());
  CHECK_FALSE(CheckScores({{{1, 2}}, {}, {}}).ok());
  CHECK_FALSE(CheckScores({{{1}}, {1, 2}, {}}).ok());
  CHECK_FALSE(Intransigence(one, {}).ok());
}

TEST_CASE("change against the base model is paired by item",
          "[metrics][forgetting]") {
  EvalRecord base, after;
  base.task = after.task = "wiki";
  base.row_ids = after.row_ids = {0, 1};
  base.metrics = {MeanNats("cross_entropy", {2, 4}, {1, 1})};
  after.metrics = {MeanNats("cross_entropy", {3, 4.5}, {1, 1})};
  const auto change = ChangeAgainstBase(base, after);
  REQUIRE(change.ok());
  CHECK(change->name == "cross_entropy_change");
  CHECK(change->value == Approx(0.75));
  CHECK(change->items == std::vector<double>{1.0, 0.5});
  after.row_ids = {0, 2};
  CHECK_FALSE(ChangeAgainstBase(base, after).ok());
  after.row_ids = base.row_ids;
  after.metrics[0].signature += "|window:3";
  CHECK_FALSE(ChangeAgainstBase(base, after).ok());
}

}  // namespace
}  // namespace sft::metrics::metrics_test
