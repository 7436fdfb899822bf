#include "harness/analysis/crossed_error.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace sft::analysis {
namespace {

namespace bm = boost::math;

// Below this share of what chance among items alone makes of the seeds'
// variance (its 5 % quantile), it is not believed: scores that are counted in
// items can agree over three seeds to the last item.
constexpr double kFloorQuantile = 0.05;
constexpr size_t kMaxExactSeeds = 20;
constexpr int kPanels = 6;  // t is 22 where one of 12 rows is found first
constexpr double kTail = 1e-13;
constexpr double kSmallestP = 1e-300;
constexpr double kRounding = 1e-11;

double TwoSidedP(double freedom, double t) {
  return 2 * bm::cdf(bm::complement(bm::students_t(freedom), t));
}
double CriticalT(double freedom, double alpha) {
  return bm::quantile(bm::complement(bm::students_t(freedom), alpha / 2));
}

// Values of chi-squared over its degrees of freedom, with their weights: Gauss
// and Legendre's rule over the square root, whose density is smooth.
struct VarianceNode {
  double value = 0;
  double weight = 0;
};
const std::vector<VarianceNode>& VarianceNodes(double freedom) {
  using Rule = bm::quadrature::gauss<double, 30>;
  thread_local std::map<double, std::vector<VarianceNode>> known;
  std::vector<VarianceNode>& nodes = known[freedom];
  if (!nodes.empty()) return nodes;
  const bm::chi_squared chi(freedom);
  const double low = std::sqrt(bm::quantile(chi, kTail));
  const double high = std::sqrt(bm::quantile(bm::complement(chi, kTail)));
  for (int panel = 0; panel < kPanels; ++panel) {
    const double half = (high - low) / (2 * kPanels);
    const double middle = low + (2 * panel + 1) * half;
    for (size_t i = 0; i < Rule::abscissa().size(); ++i) {
      for (const double sign : {-1.0, 1.0}) {
        const double root = middle + sign * half * Rule::abscissa()[i];
        nodes.push_back(
            {root * root / freedom,
             Rule::weights()[i] * half * 2 * root * bm::pdf(chi, root * root)});
      }
    }
  }
  return nodes;
}

double FloorOf(double freedom) {
  thread_local std::map<double, double> known;
  const auto [it, is_new] = known.emplace(freedom, 0);
  if (is_new) {
    it->second =
        bm::quantile(bm::chi_squared(freedom), kFloorQuantile) / freedom;
  }
  return it->second;
}

// Of the few levels that intervals are made at.
double KnownCriticalT(double freedom, double alpha) {
  thread_local std::map<std::pair<double, double>, double> known;
  const auto [it, is_new] = known.emplace(std::pair(freedom, alpha), 0);
  if (is_new) it->second = CriticalT(freedom, alpha);
  return it->second;
}

// Of a table of seeds and items.
struct MeanSquares {
  double items = 0;
  double rest = 0;
};
MeanSquares MeanSquaresOf(const std::vector<std::vector<double>>& values_SI) {
  const size_t n_seeds = values_SI.size();
  const size_t n_items = values_SI[0].size();
  const double S = static_cast<double>(n_seeds);
  const double I = static_cast<double>(n_items);
  std::vector<double> of_seed(n_seeds, 0.0), of_item(n_items, 0.0);
  for (size_t s = 0; s < n_seeds; ++s) {
    for (size_t i = 0; i < n_items; ++i) {
      of_seed[s] += values_SI[s][i] / I;
      of_item[i] += values_SI[s][i] / S;
    }
  }
  const double mean = Mean(of_seed);
  double rest = 0;
  for (size_t s = 0; s < n_seeds; ++s) {
    for (size_t i = 0; i < n_items; ++i) {
      const double r = values_SI[s][i] - of_seed[s] - of_item[i] + mean;
      rest += r * r;
    }
  }
  double between_items = 0;
  for (const double value : of_item) {
    between_items += (value - mean) * (value - mean);
  }
  return {.items = S * between_items / (I - 1),
          .rest = rest / ((S - 1) * (I - 1))};
}

// What t^2 A + t^2 B is the square of.
double HalfWidth(const CrossedError& error, double alpha) {
  const double seeds =
      error.seeds > 0 ? CriticalT(error.seed_freedom, alpha) : 0;
  const double items =
      error.items > 0 ? CriticalT(error.item_freedom, alpha) : 0;
  return std::sqrt(seeds * seeds * error.seeds + items * items * error.items);
}

// How often the test at `alpha` finds a difference, in true standard errors:
// over the distribution of A's estimate.
class StandardPower {
 public:
  StandardPower(const CrossedError& error, double alpha)
      : nodes_(VarianceNodes(error.seed_freedom)) {
    const double variance = error.seeds + error.items;
    const double t_seeds = KnownCriticalT(error.seed_freedom, alpha);
    const double t_items = KnownCriticalT(error.item_freedom, alpha);
    for (const VarianceNode& node : nodes_) {
      critical_.push_back(
          std::sqrt((t_seeds * t_seeds * error.seeds * node.value +
                     t_items * t_items * error.items) /
                    variance));
    }
  }
  double At(double effect) const {
    const bm::normal standard;
    double found = 0;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      found += nodes_[i].weight * (bm::cdf(standard, effect - critical_[i]) +
                                   bm::cdf(standard, -effect - critical_[i]));
    }
    return found;
  }

 private:
  const std::vector<VarianceNode>& nodes_;
  std::vector<double> critical_;
};

}  // namespace

double CrossedError::standard_error() const { return std::sqrt(seeds + items); }

CrossedError CrossedErrorOf(const std::vector<double>& differences_S,
                            const std::vector<std::vector<double>>& values_SI) {
  const MeanSquares square = MeanSquaresOf(values_SI);
  const double S = static_cast<double>(values_SI.size());
  const double I = static_cast<double>(values_SI[0].size());
  CrossedError error;
  error.seed_freedom = S - 1;
  error.item_freedom = I - 1;
  const double sd = SampleStdDev(differences_S);
  error.seeds = std::max(sd * sd / S,
                         FloorOf(error.seed_freedom) * square.rest / (S * I));
  error.items = std::max(0.0, (square.items - square.rest) / (S * I));
  // What rounding leaves of values that do not vary is no variance.
  double largest = 0;
  for (const auto& values_I : values_SI) {
    for (const double value : values_I) {
      largest = std::max(largest, std::abs(value));
    }
  }
  const double nothing = kRounding * largest * kRounding * largest;
  if (error.seeds <= nothing) error.seeds = 0;
  if (error.items <= nothing) error.items = 0;
  return error;
}

double CrossedP(const CrossedError& error, double difference) {
  if (!(error.standard_error() > 0)) return kNaN;
  const double t = std::abs(difference) / error.standard_error();
  if (t == 0) return 1;
  if (error.items == 0) return TwoSidedP(error.seed_freedom, t);
  if (error.seeds == 0) return TwoSidedP(error.item_freedom, t);
  const double seeds_alone = TwoSidedP(error.seed_freedom, t);
  const double items_alone = TwoSidedP(error.item_freedom, t);
  // p lies between the two; in its logarithm the half width is nearly linear.
  const double low = std::log(
      std::max(kSmallestP, std::min(seeds_alone, items_alone) * (1 - 1e-12)));
  const double high = std::log(std::min(
      1.0,
      std::max(kSmallestP, std::max(seeds_alone, items_alone) * (1 + 1e-12))));
  const auto gap = [&](double log_p) {
    return HalfWidth(error, std::exp(log_p)) - std::abs(difference);
  };
  const double at_low = gap(low), at_high = gap(high);
  if (at_low <= 0) return std::exp(low);
  if (at_high >= 0) return std::exp(high);
  std::uintmax_t rounds = 100;
  const auto [a, b] =
      bm::tools::toms748_solve(gap, low, high, at_low, at_high,
                               bm::tools::eps_tolerance<double>(46), rounds);
  return std::exp((a + b) / 2);
}

Interval CrossedInterval(const CrossedError& error, double difference,
                         double confidence) {
  const double alpha = 1 - confidence;
  const double seeds =
      error.seeds > 0 ? KnownCriticalT(error.seed_freedom, alpha) : 0;
  const double items =
      error.items > 0 ? KnownCriticalT(error.item_freedom, alpha) : 0;
  const double half =
      std::sqrt(seeds * seeds * error.seeds + items * items * error.items);
  return {difference - half, difference + half};
}

double DetectableEffect(const CrossedError& error, double alpha, double power) {
  if (!(error.standard_error() > 0)) return kNaN;
  const StandardPower found(error, alpha);
  const auto lacking = [&](double effect) { return found.At(effect) - power; };
  double high = 4;
  while (lacking(high) < 0) high *= 2;
  std::uintmax_t rounds = 100;
  const auto [a, b] = bm::tools::toms748_solve(
      lacking, 0.0, high, bm::tools::eps_tolerance<double>(40), rounds);
  return error.standard_error() * (a + b) / 2;
}

double PowerOf(const CrossedError& error, double effect, double alpha) {
  if (!(error.standard_error() > 0)) return kNaN;
  return StandardPower(error, alpha).At(effect / error.standard_error());
}

VarianceParts VariancePartsOf(
    const std::vector<double>& differences_S,
    const std::vector<std::vector<double>>& values_SI) {
  const MeanSquares square = MeanSquaresOf(values_SI);
  const double S = static_cast<double>(values_SI.size());
  const double I = static_cast<double>(values_SI[0].size());
  const double sd = SampleStdDev(differences_S);
  return {.seeds = sd * sd - square.rest / I,
          .items = (square.items - square.rest) / S,
          .rest = square.rest,
          .freedom = S - 1};
}

CrossedError ErrorOfDesign(const VarianceParts& parts, double n_seeds,
                           double n_items) {
  const double rest = std::max(0.0, parts.rest);
  return {.seeds = (std::max(0.0, parts.seeds) + rest / n_items) / n_seeds,
          .items = std::max(0.0, parts.items) / n_items,
          .seed_freedom = n_seeds - 1,
          .item_freedom = n_items - 1};
}

double DetectableEstimate(const CrossedError& error, double alpha,
                          double power) {
  const double f = error.seed_freedom;
  const double c4 = std::sqrt(2 / f) *
                    std::exp(std::lgamma((f + 1) / 2) - std::lgamma(f / 2));
  const double share = error.seeds / (error.seeds + error.items);
  return DetectableEffect(error, alpha, power) * (1 + share * (1 / c4 - 1));
}

double SignFlipP(const std::vector<double>& differences_S) {
  const size_t n = differences_S.size();
  if (n == 0 || n > kMaxExactSeeds) return kNaN;
  double observed = 0;
  for (const double d : differences_S) observed += d;
  // Sums that are equal but for rounding count as equal.
  const double reached = std::abs(observed) * (1 - 1e-9);
  uint64_t as_far = 0;
  const uint64_t patterns = uint64_t{1} << n;
  for (uint64_t bits = 0; bits < patterns; ++bits) {
    double sum = 0;
    for (size_t s = 0; s < n; ++s) {
      sum += (bits >> s) & 1 ? -differences_S[s] : differences_S[s];
    }
    as_far += std::abs(sum) >= reached;
  }
  return static_cast<double>(as_far) / static_cast<double>(patterns);
}

double SignFlipFloor(size_t n_seeds) {
  return std::ldexp(1.0, 1 - static_cast<int>(n_seeds));
}

}  // namespace sft::analysis
