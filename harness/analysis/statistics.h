// Estimates and tests over seeds (S) and test items (I). Random ones draw from
// the bootstrap stream, keyed by `salt`, so that a report repeats bit for bit.
#ifndef HARNESS_ANALYSIS_STATISTICS_H_
#define HARNESS_ANALYSIS_STATISTICS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace sft::analysis {

// What a statistic is where there is too little to have one.
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Interval {
  double low = 0;
  double high = 0;
};

// NaN where there are too few values.
double Mean(const std::vector<double>& values);
double SampleStdDev(const std::vector<double>& values);

struct ResamplingOptions {
  int resamples = 10000;
  double confidence = 0.95;
  uint64_t seed = 0;
};

// A statistic of a draw: item i stands items_I[i] times in it, seed s
// seeds_S[s] times.
using ValueOfDraw = std::function<double(const std::vector<double>& items_I,
                                         const std::vector<double>& seeds_S)>;
struct Bootstrap {
  Interval interval;          // percentiles of the draws' values
  double standard_error = 0;  // their standard deviation
};
// Seeds and items are drawn with replacement, crossed: each drawn item is
// taken in every drawn seed. For a paired interval give a difference. NaN if
// there is nothing to draw, or if a draw has no value.
Bootstrap BootstrapOf(size_t n_items, size_t n_seeds,
                      const ValueOfDraw& value_of, std::string_view salt,
                      const ResamplingOptions& options = {});
// The same of items in groups that follow each other, each drawn by itself.
Bootstrap BootstrapOf(const std::vector<size_t>& group_sizes, size_t n_seeds,
                      const ValueOfDraw& value_of, std::string_view salt,
                      const ResamplingOptions& options = {});

// A difference between two sides where item i has changed sides if swapped[i].
using ValueOfSwap = std::function<double(const std::vector<char>& swapped)>;
// Two-sided p of "the sides are alike" by changing sides at random
// (approximate randomization, Noreen, 1989): exact up to 16 items, else
// sampled, never 0. Give only items that differ. An item changes sides in all
// seeds at once, for the seeds of one item are no independent items.
double PairedPermutationP(size_t n_items, const ValueOfSwap& difference_of,
                          std::string_view salt,
                          const ResamplingOptions& options = {});
// The smallest p that it can give: such a p reads "at most".
double PermutationFloor(size_t n_items, const ResamplingOptions& options = {});

// McNemar: `wins` items only the first has right, `losses` only the second.
double McNemarExactP(int64_t wins, int64_t losses);  // binomial, two-sided
double McNemarMidP(int64_t wins, int64_t losses);
// Chi-squared with one degree of freedom, Edwards' continuity correction.
double McNemarChiSquaredP(int64_t wins, int64_t losses);

// Holm's step-down adjusted values, in the given order. NaN stay, uncounted.
std::vector<double> HolmAdjust(const std::vector<double>& p_values);

// Benjamini and Hochberg's step-up values: the share of false ones among what
// is called a difference up to there, for tests that are independent or depend
// positively. In the given order; NaN stay, uncounted.
std::vector<double> BenjaminiHochbergAdjust(
    const std::vector<double>& p_values);

// How often a value of `ours` is above one of `theirs`, ties half: Mann and
// Whitney's U over all pairs (Agarwal et al., arXiv 2108.13264). NaN of none.
double ProbabilityOfImprovement(const std::vector<double>& ours,
                                const std::vector<double>& theirs);

// Letters for things that stand in order, the best first: two that share a
// letter are not told apart, two that share none are (insert and absorb,
// Piepho, 2004). differ[i][j] for i < j; the first thing has an "a".
std::vector<std::string> CompactLetters(
    const std::vector<std::vector<bool>>& differ);

// Mean over standard deviation of paired differences (Cohen's d_z).
double PairedEffectSize(const std::vector<double>& differences);
// The difference that a two-sided test at `alpha` would have found with this
// power, given the standard error of the difference. NaN if that is 0: items
// that never differ say nothing of what would have been found.
double SmallestDetectable(double standard_error, double alpha = 0.05,
                          double power = 0.8);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_STATISTICS_H_
