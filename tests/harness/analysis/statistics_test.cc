#include "harness/analysis/statistics.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace sft::analysis::statistics_test {
namespace {

TEST_CASE("mean and standard deviation need enough values",
          "[analysis][statistics]") {
  CHECK(std::isnan(Mean({})));
  CHECK(std::isnan(SampleStdDev({1})));
  CHECK(Mean({1, 2, 3, 4}) == 2.5);
  CHECK(SampleStdDev({1, 2, 3, 4}) == Approx(1.2909944487));
}

TEST_CASE("McNemar's p values are those of scipy", "[analysis][statistics]") {
  // scipy.stats.binomtest(min(b, c), b + c).pvalue and chi2.sf.
  CHECK(McNemarExactP(10, 2) == Approx(0.03857421875));
  CHECK(McNemarExactP(2, 10) == Approx(0.03857421875));
  CHECK(McNemarMidP(10, 2) == Approx(0.03857421875 - 0.01611328125));
  CHECK(McNemarChiSquaredP(10, 2) == Approx(0.04330814281));
  CHECK(McNemarExactP(5, 5) == 1);
  CHECK(McNemarMidP(5, 5) <= 1);
  CHECK(McNemarExactP(0, 0) == 1);
  CHECK(McNemarExactP(2000, 0) >= 0);
  CHECK(McNemarExactP(120, 31) < 1e-12);
}

TEST_CASE("Holm's values step down and leave NaN alone",
          "[analysis][statistics]") {
  const double nan = std::nan("");
  const auto p = HolmAdjust({0.01, 0.04, nan, 0.03, 0.9});
  CHECK(p[0] == Approx(0.04));
  CHECK(p[3] == Approx(0.09));
  CHECK(p[1] == Approx(0.09));  // not below the one before
  CHECK(p[4] == Approx(0.9));
  CHECK(std::isnan(p[2]));
  CHECK(HolmAdjust({0.6, 0.7})[1] == 1);
}

// The sum of differences that change sign where their item changes sides.
ValueOfSwap SignedSum(const std::vector<double>& differences) {
  return [=](const std::vector<char>& swapped) {
    double sum = 0;
    for (size_t i = 0; i < differences.size(); ++i) {
      sum += swapped[i] ? -differences[i] : differences[i];
    }
    return sum;
  };
}

double PermutationOf(const std::vector<double>& differences,
                     int resamples = 2000) {
  return PairedPermutationP(differences.size(), SignedSum(differences), "x",
                            {.resamples = resamples});
}

TEST_CASE("few items are permuted exactly", "[analysis][statistics]") {
  // All eight of one sign: 2 of 256 sign patterns reach it.
  CHECK(PermutationOf(std::vector<double>(8, 0.1)) == Approx(2.0 / 256));
  CHECK(PermutationOf({1, -1}) == 1);
  CHECK(PermutationOf({}) == 1);
  CHECK(std::isnan(PermutationOf({1, std::nan("")})));
  std::vector<double> many(200, 0.5);
  const double p = PermutationOf(many);
  CHECK(p == Approx(1.0 / 2001));
  CHECK(p == PermutationOf(many));
}

TEST_CASE("sampled permutation agrees with the normal approximation",
          "[analysis][statistics]") {
  std::vector<double> differences;
  for (int i = 0; i < 400; ++i) differences.push_back(i % 20 < 11 ? 1 : -1);
  // 220 of 400: z = 2, p = 0.0455 (exact binomial 0.0513).
  CHECK(PermutationOf(differences, 20000) == Approx(0.0513).margin(0.006));
}

// Of the mean of scores_SI.
Bootstrap BootstrapOfMean(const std::vector<std::vector<double>>& scores_SI) {
  const size_t n_items = scores_SI.empty() ? 0 : scores_SI[0].size();
  return BootstrapOf(n_items, scores_SI.size(),
                     [&](const std::vector<double>& items_I,
                         const std::vector<double>& seeds_S) {
                       double sum = 0;
                       for (size_t s = 0; s < scores_SI.size(); ++s) {
                         for (size_t i = 0; i < n_items; ++i) {
                           sum += seeds_S[s] * items_I[i] * scores_SI[s][i];
                         }
                       }
                       return sum /
                              static_cast<double>(n_items * scores_SI.size());
                     },
                     "x", {.resamples = 2000});
}

TEST_CASE("the bootstrap interval covers the mean as it should",
          "[analysis][statistics]") {
  std::vector<double> scores;
  for (int i = 0; i < 400; ++i) scores.push_back(i % 4 == 0 ? 0 : 1);
  const auto [one, error] = BootstrapOfMean({scores});
  // 0.75 +- 1.96 sqrt(0.75 * 0.25 / 400)
  CHECK(one.low == Approx(0.7076).margin(0.006));
  CHECK(one.high == Approx(0.7924).margin(0.006));
  CHECK(error == Approx(0.02165).epsilon(0.06));
  const Interval again = BootstrapOfMean({scores}).interval;
  CHECK(one.low == again.low);
  CHECK(one.high == again.high);
  // Seeds that disagree widen it.
  std::vector<double> worse = scores;
  for (double& score : worse) score *= 0.5;
  const Interval two = BootstrapOfMean({scores, worse}).interval;
  CHECK(two.high - two.low > 2 * (one.high - one.low));
  CHECK(std::isnan(BootstrapOfMean({}).interval.low));
  CHECK(std::isnan(BootstrapOfMean({{std::nan("")}}).interval.low));
}

TEST_CASE("effect size and detectable difference scale with the spread",
          "[analysis][statistics]") {
  const std::vector<double> d = {0.1, 0.3, -0.1, 0.1};
  CHECK(PairedEffectSize(d) == Approx(0.1 / 0.16329931618));
  CHECK(SmallestDetectable(0.16329931618 / 2) ==
        Approx(2.8015852 * 0.16329931618 / 2).epsilon(1e-6));
  CHECK(std::isnan(PairedEffectSize({1, 1})));
  CHECK(std::isnan(SmallestDetectable(0)));
}

}  // namespace
}  // namespace sft::analysis::statistics_test
