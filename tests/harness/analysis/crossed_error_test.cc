#include "harness/analysis/crossed_error.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/harness/analysis/simulated_sweeps.h"

namespace sft::analysis::crossed_error_test {
namespace {
using nlohmann::json;

json Golden() {
  std::ifstream in(std::string(SFT_SOURCE_DIR) +
                   "/tests/golden/statistics.json");
  return json::parse(in);
}

Approx Near(const json& value, double margin = 1e-9) {
  return Approx(value.get<double>()).margin(margin).epsilon(margin);
}

TEST_CASE("the crossed error equals statsmodels' mean squares and SciPy's t",
          "[analysis][crossed_error]") {
  const json golden = Golden();
  REQUIRE(golden["crossed"].size() == 5);
  for (const json& c : golden["crossed"]) {
    const auto values = c["values"].get<std::vector<std::vector<double>>>();
    std::vector<double> differences;
    for (const auto& row : values) differences.push_back(Mean(row));
    const CrossedError error = CrossedErrorOf(differences, values);
    const double difference = Mean(differences);
    CHECK(difference == Near(c["difference"]));
    CHECK(error.seeds == Near(c["seeds"]));
    CHECK(error.items == Near(c["items"]));
    const Interval interval = CrossedInterval(error, difference);
    CHECK(interval.low == Near(c["low"]));
    CHECK(interval.high == Near(c["high"]));
    CHECK(CrossedP(error, difference) == Near(c["p"]));
    // Exactly the p at which the interval ends at 0.
    const Interval at_p =
        CrossedInterval(error, difference, 1 - CrossedP(error, difference));
    CHECK(std::min(std::abs(at_p.low), std::abs(at_p.high)) ==
          Approx(0).margin(1e-9));
    CHECK(DetectableEffect(error) == Near(c["detectable"], 1e-7));
  }
}

TEST_CASE("of seeds alone it is the paired t test, of power the noncentral t",
          "[analysis][crossed_error]") {
  const json golden = Golden();
  for (const json& c : golden["paired_t"]) {
    const auto values = c["values"].get<std::vector<double>>();
    const double sd = SampleStdDev(values);
    const double n = static_cast<double>(values.size());
    const CrossedError error = {sd * sd / n, 0, n - 1, 100};
    CHECK(CrossedP(error, Mean(values)) == Near(c["p"]));
    const Interval interval = CrossedInterval(error, Mean(values));
    CHECK(interval.low == Near(c["interval"][0]));
    CHECK(interval.high == Near(c["interval"][1]));
  }
  for (const json& c : golden["noncentral"]) {
    const CrossedError error = {1, 0, c["freedom"], 100};
    CHECK(DetectableEffect(error) == Near(c["effect"], 1e-7));
  }
}

TEST_CASE("sign flips, McNemar and Holm are those of SciPy and statsmodels",
          "[analysis][crossed_error]") {
  const json golden = Golden();
  for (const json& c : golden["sign_flip"]) {
    CHECK(SignFlipP(c["values"].get<std::vector<double>>()) == Near(c["p"]));
  }
  for (const json& c : golden["mcnemar"]) {
    CHECK(McNemarExactP(c["wins"], c["losses"]) == Near(c["p"]));
  }
  const auto adjusted =
      HolmAdjust(golden["holm"]["p"].get<std::vector<double>>());
  for (size_t i = 0; i < adjusted.size(); ++i) {
    CHECK(adjusted[i] == Near(golden["holm"]["adjusted"][i]));
  }
  CHECK(SignFlipFloor(3) == 0.25);
  CHECK(SignFlipFloor(5) == 0.0625);
  CHECK(SignFlipFloor(8) == 0.0078125);
}

TEST_CASE("one seed of three that collapses gives no small p",
          "[analysis][crossed_error]") {
  // What was wrong: gains -0.247, 0, 0 had p = 8e-4.
  std::vector<std::vector<double>> values(3, std::vector<double>(1000, 0.0));
  for (int i = 0; i < 247; ++i) values[0][static_cast<size_t>(i)] = -1;
  const CrossedError error = CrossedErrorOf({-0.247, 0, 0}, values);
  CHECK(CrossedP(error, -0.247 / 3) > 0.4);
  const Interval interval = CrossedInterval(error, -0.247 / 3);
  CHECK(interval.low < -0.4);
  CHECK(interval.high > 0.25);
  CHECK(SignFlipP({-0.247, 0, 0}) == 1);
}

TEST_CASE("seeds that agree to the last item are not believed to have no error",
          "[analysis][crossed_error]") {
  // Each seed has 10 of 40 items right that the other side has not, others
  // each time: equal gains by chance.
  std::vector<std::vector<double>> values(3, std::vector<double>(40, 0.0));
  for (size_t s = 0; s < 3; ++s) {
    for (size_t i = 0; i < 10; ++i) values[s][10 * s + i] = 1;
  }
  const CrossedError error = CrossedErrorOf({0.25, 0.25, 0.25}, values);
  CHECK(error.seeds > 0);
  CHECK(CrossedP(error, 0.25) > 1e-4);
  // Nothing that varies at all is no test.
  const std::vector<std::vector<double>> same(3, std::vector<double>(40, 1.0));
  CHECK(std::isnan(CrossedP(CrossedErrorOf({1, 1, 1}, same), 1)));
  CHECK(std::isnan(DetectableEstimate(CrossedErrorOf({1, 1, 1}, same))));
}

// The full run: build/simulate_sweeps, results/reference/simulated_sweeps.txt.
TEST_CASE("simulated sweeps hold their levels, coverage and power",
          "[analysis][crossed_error][slow]") {
  uint64_t seed = 7;
  for (const int seeds : {3, 5}) {
    for (const double ratio : {0.0, 0.5, 10.0}) {
      SweepSetting setting;
      setting.seeds = seeds;
      setting.ratio = ratio;
      setting.items = 100;
      INFO(seeds << " seeds, ratio " << ratio);
      const Calibration found = Calibrate(setting, 1000, 1000, seed += 2);
      // Three standard errors of 1,000 sweeps beside what 10,000 show.
      for (const double share : found.false_positive_share) {
        CHECK(share <= 0.057 + 0.02);
      }
      CHECK(found.coverage >= 0.93 - 0.01);
      CHECK(found.retained_coverage >= 0.93 - 0.01);
      CHECK(found.power >= 0.78 - 0.04);
      CHECK(found.power <= 0.82 + 0.04);
    }
  }
}

}  // namespace
}  // namespace sft::analysis::crossed_error_test
