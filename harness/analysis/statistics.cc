#include "harness/analysis/statistics.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "harness/core/rng.h"

namespace sft::analysis {
namespace {

constexpr size_t kMaxExactItems = 16;

// Linear interpolation between order statistics (type 7, numpy's default).
double Quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = at - static_cast<double>(below);
  return sorted[below] + share * (sorted[above] - sorted[below]);
}

// Of the values that are numbers.
std::vector<size_t> AscendingPlaces(const std::vector<double>& values) {
  std::vector<size_t> order;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return values[a] < values[b]; });
  return order;
}

// a to z, A to Z, then "(53)".
std::string LetterOf(size_t k) {
  if (k < 26) return std::string(1, static_cast<char>('a' + k));
  if (k < 52) return std::string(1, static_cast<char>('A' + (k - 26)));
  return absl::StrCat("(", k + 1, ")");
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

Bootstrap BootstrapOf(size_t n_items, size_t n_seeds,
                      const ValueOfDraw& value_of, std::string_view salt,
                      const ResamplingOptions& options) {
  return BootstrapOf(std::vector<size_t>{n_items}, n_seeds, value_of, salt,
                     options);
}

Bootstrap BootstrapOf(const std::vector<size_t>& group_sizes, size_t n_seeds,
                      const ValueOfDraw& value_of, std::string_view salt,
                      const ResamplingOptions& options) {
  const Bootstrap none{{kNaN, kNaN}, kNaN};
  const size_t n_items =
      std::accumulate(group_sizes.begin(), group_sizes.end(), size_t{0});
  if (std::count(group_sizes.begin(), group_sizes.end(), size_t{0}) > 0 ||
      n_items == 0 || n_seeds == 0 || options.resamples < 1) {
    return none;
  }
  Rng rng(options.seed, Stream::kBootstrap, salt);
  std::vector<double> values, items_I(n_items), seeds_S(n_seeds);
  for (int r = 0; r < options.resamples; ++r) {
    std::fill(seeds_S.begin(), seeds_S.end(), 0.0);
    for (size_t s = 0; s < n_seeds; ++s) seeds_S[rng.Below(n_seeds)] += 1;
    std::fill(items_I.begin(), items_I.end(), 0.0);
    size_t begin = 0;
    for (const size_t size : group_sizes) {
      for (size_t i = 0; i < size; ++i) items_I[begin + rng.Below(size)] += 1;
      begin += size;
    }
    values.push_back(value_of(items_I, seeds_S));
    if (std::isnan(values.back())) return none;
  }
  std::sort(values.begin(), values.end());
  const double tail = (1 - options.confidence) / 2;
  return {{Quantile(values, tail), Quantile(values, 1 - tail)},
          SampleStdDev(values)};
}

double PairedPermutationP(size_t n_items, const ValueOfSwap& difference_of,
                          std::string_view salt,
                          const ResamplingOptions& options) {
  std::vector<char> swapped(n_items, 0);
  const double observed = std::abs(difference_of(swapped));
  if (std::isnan(observed)) return kNaN;
  // Differences that are equal but for rounding count as equal.
  const double reached = observed * (1 - 1e-9);
  const auto is_as_far = [&] {
    return std::abs(difference_of(swapped)) >= reached;
  };
  if (n_items <= kMaxExactItems) {
    const uint64_t n = uint64_t{1} << n_items;
    uint64_t as_far = 0;
    for (uint64_t bits = 0; bits < n; ++bits) {
      for (size_t i = 0; i < n_items; ++i) swapped[i] = (bits >> i) & 1;
      as_far += is_as_far();
    }
    return static_cast<double>(as_far) / static_cast<double>(n);
  }
  Rng rng(options.seed, Stream::kBootstrap, salt);
  int64_t as_far = 0;
  for (int r = 0; r < options.resamples; ++r) {
    uint64_t bits = 0;
    for (size_t i = 0; i < n_items; ++i) {
      if (i % 64 == 0) bits = rng.Next();
      swapped[i] = (bits >> (i % 64)) & 1;
    }
    as_far += is_as_far();
  }
  return static_cast<double>(as_far + 1) /
         static_cast<double>(options.resamples + 1);
}

double PermutationFloor(size_t n_items, const ResamplingOptions& options) {
  if (n_items > kMaxExactItems) {
    return 1 / static_cast<double>(options.resamples + 1);
  }
  // The sides as they are, and all of them changed.
  return std::min(1.0, std::ldexp(1.0, 1 - static_cast<int>(n_items)));
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
  const std::vector<size_t> order = AscendingPlaces(p_values);
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

std::vector<double> BenjaminiHochbergAdjust(
    const std::vector<double>& p_values) {
  const std::vector<size_t> order = AscendingPlaces(p_values);
  std::vector<double> adjusted(p_values.size(), kNaN);
  double least = 1;
  for (size_t rank = order.size(); rank > 0; --rank) {
    const size_t i = order[rank - 1];
    least = std::min(least, p_values[i] * static_cast<double>(order.size()) /
                                static_cast<double>(rank));
    adjusted[i] = least;
  }
  return adjusted;
}

double ProbabilityOfImprovement(const std::vector<double>& ours,
                                const std::vector<double>& theirs) {
  if (ours.empty() || theirs.empty()) return kNaN;
  double above = 0;
  for (const double x : ours) {
    for (const double y : theirs) above += x > y ? 1 : x == y ? 0.5 : 0;
  }
  return above / static_cast<double>(ours.size() * theirs.size());
}

std::vector<std::string> CompactLetters(
    const std::vector<std::vector<bool>>& differ) {
  const size_t n = differ.size();
  // A letter is the set of those that have it.
  std::vector<std::vector<bool>> letters = {std::vector<bool>(n, true)};
  const auto is_within = [n](const std::vector<bool>& a,
                             const std::vector<bool>& b) {
    for (size_t i = 0; i < n; ++i) {
      if (a[i] && !b[i]) return false;
    }
    return true;
  };
  const auto absorb = [&] {
    for (size_t i = 0; i < letters.size();) {
      bool is_needless = false;
      for (size_t j = 0; j < letters.size() && !is_needless; ++j) {
        // Of two alike the first one stays.
        is_needless = i != j && is_within(letters[i], letters[j]) &&
                      (j < i || !is_within(letters[j], letters[i]));
      }
      if (is_needless) {
        letters.erase(letters.begin() + static_cast<ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  };
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i + 1; j < n; ++j) {
      if (!differ[i][j]) continue;
      for (size_t k = letters.size(); k > 0; --k) {
        if (!letters[k - 1][i] || !letters[k - 1][j]) continue;
        std::vector<bool> without = letters[k - 1];
        without[i] = false;
        letters[k - 1][j] = false;
        letters.push_back(std::move(without));
      }
      absorb();
    }
  }
  // Those of the best come first.
  std::sort(letters.begin(), letters.end(), std::greater<>());
  std::vector<std::string> texts(n);
  for (size_t k = 0; k < letters.size(); ++k) {
    for (size_t i = 0; i < n; ++i) {
      if (letters[k][i]) texts[i] += LetterOf(k);
    }
  }
  return texts;
}

double PairedEffectSize(const std::vector<double>& differences) {
  const double sd = SampleStdDev(differences);
  if (sd > 0) return Mean(differences) / sd;
  return kNaN;
}

double SmallestDetectable(double standard_error, double alpha, double power) {
  if (!(standard_error > 0)) return kNaN;
  const boost::math::normal standard;
  return standard_error * (boost::math::quantile(standard, 1 - alpha / 2) +
                           boost::math::quantile(standard, power));
}

}  // namespace sft::analysis
