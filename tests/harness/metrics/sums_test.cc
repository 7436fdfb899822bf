// The values of sums, and which metric has them.
#include <catch2/catch.hpp>
#include <cmath>

#include "harness/metrics/metrics.h"

namespace sft::metrics::sums_test {
namespace {

std::optional<double> ValueOf(const char* metric,
                              const std::vector<double>& sums) {
  return ValueOfSums(*FindMetric(metric), sums);
}

TEST_CASE("metrics of sums equal the sums worked out by hand",
          "[metrics][sums]") {
  CHECK(*ValueOf("span_f1", {1, 2, 3}) == Approx(0.4));
  CHECK(*ValueOf("span_f1_strict", {0, 0, 0}) == 0);
  // Lengths 6 and 7; precisions 5/6, 3/5, 1/4 and, smoothed, 1/(2 * 3).
  CHECK(*ValueOf("bleu", {6, 7, 5, 6, 3, 5, 1, 4, 0, 3}) ==
        Approx(100 * std::exp(1 - 7.0 / 6) *
               std::pow(5.0 / 6 * 3 / 5 * 1 / 4 * 1 / 6, 0.25)));
  CHECK(*ValueOf("bleu", {3, 3, 2, 3, 1, 2, 0, 1, 0, 0}) == 0);
  CHECK(*ValueOf("bleu", {0, 4, 0, 0, 0, 0, 0, 0, 0, 0}) == 0);
  // Orders 1 and 2 occur on both sides: P = (3/4 + 1/3) / 2, R = (3/5 + 1/4)/2.
  std::vector<double> chrf(18, 0.0);
  const double counts[] = {4, 5, 3, 3, 4, 1, 0, 3, 0};
  std::copy(std::begin(counts), std::end(counts), chrf.begin());
  const double p = 13.0 / 24, r = 17.0 / 40;
  CHECK(*ValueOf("chrf", chrf) == Approx(500 * p * r / (4 * p + r)));
  CHECK(*ValueOf("chrf", std::vector<double>(18, 0.0)) == 0);
}

TEST_CASE("metrics of labels leave out the labels that do not occur",
          "[metrics][sums]") {
  // Right, predicted, present of three labels; F1 2/3, 4/5 and none.
  const std::vector<double> sums = {1, 2, 1, 2, 2, 3, 0, 0, 0};
  CHECK(*ValueOf("f1_macro", sums) == Approx((2.0 / 3 + 4.0 / 5) / 2));
  // (TP TN - FP FN) / sqrt(...) of 2, 1, 0 and 1.
  CHECK(*ValueOf("mcc", sums) == Approx(2 / std::sqrt(2.0 * 3 * 1 * 2)));
  CHECK(*ValueOf("mcc", {2, 3, 2, 0, 0, 1}) == 0);
  CHECK(*ValueOf("f1_macro", {}) == 0);
}

TEST_CASE("other metrics and other widths have no value of sums",
          "[metrics][sums]") {
  CHECK_FALSE(ValueOf("accuracy", {1, 1}).has_value());
  CHECK_FALSE(ValueOf("bleu", {1, 1}).has_value());
  CHECK_FALSE(ValueOf("f1_macro", {1, 1}).has_value());
  CHECK(FindMetric("accuracy")->sums.of == SumsOf::kItems);
  CHECK(FindMetric("f1_macro")->sums.of == SumsOf::kLabels);
  CHECK(FindMetric("mcc")->sums.of == SumsOf::kLabels);
  CHECK(FindMetric("f1_micro")->sums.of == SumsOf::kItems);
}

}  // namespace
}  // namespace sft::metrics::sums_test
