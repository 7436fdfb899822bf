#include "harness/analysis/statistics.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "harness/core/rng.h"

namespace sft {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kMaxExactItems = 16;

// Linear interpolation between order statistics (type 7, numpy's default).
double Quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = at - static_cast<double>(below);
  return sorted[below] + share * (sorted[above] - sorted[below]);
}

}  // namespace

double Mean(const std::vector<double>& values) {
  if (values.empty()) return kNaN;
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

double SampleStdDev(const std::vector<double>& values) {
  if (values.size() < 2) return kNaN;
  const double mean = Mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

Interval BootstrapInterval(const std::vector<std::vector<double>>& scores_SI,
                           std::string_view salt,
                           const ResamplingOptions& options) {
  if (scores_SI.empty() || scores_SI[0].empty() || options.resamples < 1) {
    return {kNaN, kNaN};
  }
  const size_t n_seeds = scores_SI.size();
  const size_t n_items = scores_SI[0].size();
  Rng rng(options.seed, Stream::kBootstrap, salt);
  std::vector<double> means;
  std::vector<double> weights_S(n_seeds);
  for (int r = 0; r < options.resamples; ++r) {
    std::fill(weights_S.begin(), weights_S.end(), 0.0);
    for (size_t s = 0; s < n_seeds; ++s) weights_S[rng.Below(n_seeds)] += 1;
    double sum = 0;
    for (size_t i = 0; i < n_items; ++i) {
      const size_t item = rng.Below(n_items);
      for (size_t s = 0; s < n_seeds; ++s) {
        if (weights_S[s] != 0) sum += weights_S[s] * scores_SI[s][item];
      }
    }
    means.push_back(sum / static_cast<double>(n_seeds * n_items));
  }
  if (std::any_of(means.begin(), means.end(),
                  [](double mean) { return std::isnan(mean); })) {
    return {kNaN, kNaN};
  }
  std::sort(means.begin(), means.end());
  const double tail = (1 - options.confidence) / 2;
  return {Quantile(means, tail), Quantile(means, 1 - tail)};
}

double PairedPermutationP(const std::vector<double>& differences_I,
                          std::string_view salt,
                          const ResamplingOptions& options) {
  std::vector<double> differing;  // a flipped 0 is a 0
  for (const double d : differences_I) {
    if (std::isnan(d)) return kNaN;
    if (d != 0) differing.push_back(d);
  }
  if (differing.empty()) return differences_I.empty() ? kNaN : 1.0;
  const double observed =
      std::abs(std::accumulate(differing.begin(), differing.end(), 0.0));
  // Sums that are equal but for rounding count as equal.
  const double reached = observed * (1 - 1e-12);
  if (differing.size() <= kMaxExactItems) {
    const uint64_t n = uint64_t{1} << differing.size();
    uint64_t as_far = 0;
    for (uint64_t signs = 0; signs < n; ++signs) {
      double sum = 0;
      for (size_t i = 0; i < differing.size(); ++i) {
        sum += (signs >> i) & 1 ? differing[i] : -differing[i];
      }
      as_far += std::abs(sum) >= reached;
    }
    return static_cast<double>(as_far) / static_cast<double>(n);
  }
  Rng rng(options.seed, Stream::kBootstrap, salt);
  int64_t as_far = 0;
  for (int r = 0; r < options.resamples; ++r) {
    double sum = 0;
    uint64_t bits = 0;
    for (size_t i = 0; i < differing.size(); ++i) {
      if (i % 64 == 0) bits = rng.Next();
      sum += (bits >> (i % 64)) & 1 ? differing[i] : -differing[i];
    }
    as_far += std::abs(sum) >= reached;
  }
  return static_cast<double>(as_far + 1) /
         static_cast<double>(options.resamples + 1);
}

double McNemarExactP(int64_t wins, int64_t losses) {
  const int64_t n = wins + losses;
  if (n == 0) return 1;
  const boost::math::binomial half(static_cast<double>(n), 0.5);
  const double fewer = static_cast<double>(std::min(wins, losses));
  return std::min(1.0, 2 * boost::math::cdf(half, fewer));
}

double McNemarMidP(int64_t wins, int64_t losses) {
  const int64_t n = wins + losses;
  if (n == 0) return 1;
  const boost::math::binomial half(static_cast<double>(n), 0.5);
  const double fewer = static_cast<double>(std::min(wins, losses));
  return std::min(
      1.0, 2 * boost::math::cdf(half, fewer) - boost::math::pdf(half, fewer));
}

double McNemarChiSquaredP(int64_t wins, int64_t losses) {
  const int64_t n = wins + losses;
  if (n == 0) return 1;
  const double gap =
      std::max(0.0, std::abs(static_cast<double>(wins - losses)) - 1);
  const boost::math::chi_squared one(1);
  return boost::math::cdf(
      boost::math::complement(one, gap * gap / static_cast<double>(n)));
}

std::vector<double> HolmAdjust(const std::vector<double>& p_values) {
  std::vector<size_t> order;
  for (size_t i = 0; i < p_values.size(); ++i) {
    if (!std::isnan(p_values[i])) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return p_values[a] < p_values[b];
  });
  std::vector<double> adjusted(p_values.size(), kNaN);
  double largest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double scaled =
        p_values[order[rank]] * static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, scaled));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

double PairedEffectSize(const std::vector<double>& differences) {
  const double sd = SampleStdDev(differences);
  if (sd > 0) return Mean(differences) / sd;
  return kNaN;
}

double SmallestDetectable(const std::vector<double>& differences, double alpha,
                          double power) {
  const double sd = SampleStdDev(differences);
  if (std::isnan(sd)) return kNaN;
  const boost::math::normal standard;
  const double z = boost::math::quantile(standard, 1 - alpha / 2) +
                   boost::math::quantile(standard, power);
  return z * sd / std::sqrt(static_cast<double>(differences.size()));
}

}  // namespace sft
