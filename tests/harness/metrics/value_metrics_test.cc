// Correlations and squared errors against SciPy and scikit-learn
// (tests/golden/make_golden_values.py), and what draws of items give.
#include "harness/metrics/value_metrics.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "harness/core/rng.h"
#include "harness/metrics/metric_records.h"
#include "harness/metrics/metrics.h"
#include "tests/harness/metrics/golden_metrics.h"

namespace sft::metrics::value_metrics_test {
namespace {
using nlohmann::json;

TEST_CASE("correlations and squared errors equal SciPy's and scikit-learn's",
          "[metrics][values]") {
  const json& cases = GoldenValues()["numbers"];
  REQUIRE(cases.size() >= 150);
  for (const json& c : cases) {
    INFO(c.dump());
    const Values x = c["x"], y = c["y"];
    for (const char* name : {"pearson", "spearman", "mse"}) {
      INFO(name);
      const ValueScorer scorer = FindMetric(name)->values;
      REQUIRE((scorer != nullptr));
      const MetricScore score = scorer(x, y);
      CHECK(score.value ==
            Approx(c[name].get<double>()).margin(1e-12).epsilon(1e-12));
      if (score.sums.empty()) {
        CHECK(score.items.size() == x.size());
        continue;
      }
      const auto again =
          ValueOfSums(*FindMetric(name), TotalSums(score.sums, 6));
      REQUIRE(again.has_value());
      CHECK(*again == Approx(score.value).margin(1e-7));
    }
  }
}

TEST_CASE("sums of numbers give Pearson's r of any draw of the items",
          "[metrics][values]") {
  Rng rng(1, Stream::kBootstrap, "values");
  Values x, y;
  for (const json& c : GoldenValues()["numbers"]) {
    if (std::abs(c["x"][0].get<double>()) > 100) continue;
    for (double v : c["x"]) x.push_back(v);
    for (double v : c["y"]) y.push_back(v);
  }
  const MetricScore all = Pearson(x, y), ranked = Spearman(x, y);
  for (int draw = 0; draw < 10; ++draw) {
    Values of_x, of_y;
    std::vector<double> sums(6, 0.0), of_ranks(6, 0.0);
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t item = rng.Below(x.size());
      of_x.push_back(x[item]);
      of_y.push_back(y[item]);
      for (size_t c = 0; c < 6; ++c) {
        sums[c] += all.sums[item * 6 + c];
        of_ranks[c] += ranked.sums[item * 6 + c];
      }
    }
    CHECK(CorrelationOfSums(sums) ==
          Approx(Pearson(of_x, of_y).value).margin(1e-9));
    // Ranks are those among all items: near those of the draw, no more.
    CHECK(CorrelationOfSums(of_ranks) ==
          Approx(Spearman(of_x, of_y).value).margin(0.03));
  }
}

TEST_CASE("what has no correlation has none of nought", "[metrics][values]") {
  CHECK(Pearson({}, {}).value == 0);
  CHECK(Pearson({1}, {2}).value == 0);
  CHECK(Pearson({1, 1, 1}, {1, 2, 3}).value == 0);
  CHECK(Spearman({1, 2, 3}, {4, 4, 4}).value == 0);
  CHECK(CorrelationOfSums(TotalSums(Pearson({0.1, 0.1}, {1, 2}).sums, 6)) == 0);
  CHECK(MeanSquaredError({}, {}).value == 0);
  CHECK(Pearson({1, 2}, {3, 5}).value == Approx(1));
  CHECK(Spearman({2, 1, 1}, {-3, 5, 5}).value == Approx(-1));
}

TEST_CASE("numbers are read from lines, and what is none is said",
          "[metrics][values]") {
  const std::vector<TextItem> items = {
      {" 1.5 ", {"2"}}, {"no idea", {"0"}}, {"3", {"3.0"}}};
  const auto mse = MetricOfTexts("mse", items, {});
  REQUIRE(mse.ok());
  CHECK(mse->items == std::vector<double>{0.25, 0, 0});
  const auto bad = MetricOfTexts("pearson", {{"1", {"two"}}}, {});
  CHECK_FALSE(bad.ok());
  CHECK(bad.status().message().find("'two' is no number") != std::string::npos);
}

}  // namespace
}  // namespace sft::metrics::value_metrics_test
