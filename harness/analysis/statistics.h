// Estimates and tests over seeds (S) and test items (I). Random ones draw from
// the bootstrap stream, keyed by `salt`, so that a report repeats bit for bit.
#ifndef HARNESS_ANALYSIS_STATISTICS_H_
#define HARNESS_ANALYSIS_STATISTICS_H_

#include <cstdint>
#include <string_view>
#include <vector>

namespace sft {

struct Interval {
  double low = 0;
  double high = 0;
};

// NaN where there are too few values.
double Mean(const std::vector<double>& values);
double SampleStdDev(const std::vector<double>& values);

struct ResamplingOptions {
  int resamples = 2000;
  double confidence = 0.95;
  uint64_t seed = 0;
};

// Percentile interval of the mean of scores_SI[s][i], seeds and items drawn
// with replacement, crossed: each drawn item is taken in every drawn seed. For
// a paired interval give differences. All rows have one length; NaN if empty.
Interval BootstrapInterval(const std::vector<std::vector<double>>& scores_SI,
                           std::string_view salt,
                           const ResamplingOptions& options = {});

// Two-sided p of "the mean difference is 0" under flipped signs: exact up to
// 16 items that differ, else sampled, never 0. `differences_I` are means over
// seeds, for the seeds of one item are no independent items.
double PairedPermutationP(const std::vector<double>& differences_I,
                          std::string_view salt,
                          const ResamplingOptions& options = {});

// McNemar: `wins` items only the first has right, `losses` only the second.
double McNemarExactP(int64_t wins, int64_t losses);  // binomial, two-sided
double McNemarMidP(int64_t wins, int64_t losses);
// Chi-squared with one degree of freedom, Edwards' continuity correction.
double McNemarChiSquaredP(int64_t wins, int64_t losses);

// Holm's step-down adjusted values, in the given order. NaN stay, uncounted.
std::vector<double> HolmAdjust(const std::vector<double>& p_values);

// Mean over standard deviation of paired differences (Cohen's d_z).
double PairedEffectSize(const std::vector<double>& differences);
// The mean difference that a two-sided test at `alpha` over differences of
// this spread would have found with this power.
double SmallestDetectable(const std::vector<double>& differences,
                          double alpha = 0.05, double power = 0.8);

}  // namespace sft

#endif  // HARNESS_ANALYSIS_STATISTICS_H_
