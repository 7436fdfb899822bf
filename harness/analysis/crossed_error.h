// The standard error of a mean difference over S seeds and I items, crossed,
// and what follows from it: interval, p and detectable effect of one row.
//
// d_si = mu + seed_s + item_i + rest_si, so that
//   Var(mean) = [var(seed) + var(rest)/I] / S + var(item) / I = A + B,
// A from the seeds' differences (S-1 degrees of freedom), B from the items'
// mean squares (I-1). The test rejects where
//   mean^2 > t(S-1)^2 A + t(I-1)^2 B                       (Banerjee, 1960),
// whose level holds for every ratio of A to B, as P(Z^2 < x) is concave in x.
// Satterthwaite's degrees of freedom do not: with 3 seeds they reject up to
// 1.6 times too often at 5 %, up to 9 times at 0.2 %; simulate_sweeps counts it
// (results/reference/simulated_sweeps.txt).
#ifndef HARNESS_ANALYSIS_CROSSED_ERROR_H_
#define HARNESS_ANALYSIS_CROSSED_ERROR_H_

#include <cstddef>
#include <vector>

#include "harness/analysis/statistics.h"

namespace sft::analysis {

// What A and B are made of, for other numbers of seeds and items: variances of
// the differences of seeds and of items, and what is left. Unbiased, so that
// they may be below 0: means over many are to be taken first.
struct VarianceParts {
  double seeds = 0;
  double items = 0;
  double rest = 0;
  double freedom = 0;  // of the seeds' part
};

struct CrossedError {
  double seeds = 0;  // A
  double items = 0;  // B, at least 0
  double seed_freedom = 0;
  double item_freedom = 0;
  double standard_error() const;
};

// `differences_S`: of the metric, by seed, at least 2. `values_SI`: what each
// item adds to it, the scores' differences of a mean, jackknife pseudo-values
// of another function; at least 2 items.
CrossedError CrossedErrorOf(const std::vector<double>& differences_S,
                            const std::vector<std::vector<double>>& values_SI);

VarianceParts VariancePartsOf(
    const std::vector<double>& differences_S,
    const std::vector<std::vector<double>>& values_SI);
// Of so many seeds and items, were these the true variances; what is below 0
// counts as 0.
CrossedError ErrorOfDesign(const VarianceParts& parts, double n_seeds,
                           double n_items);

// NaN where there is nothing to test against: an error of 0.
double CrossedP(const CrossedError& error, double difference);
Interval CrossedInterval(const CrossedError& error, double difference,
                         double confidence = 0.95);
// How often the test at `alpha` finds a true difference of `effect`, were A and
// B the true variances. NaN for an error of 0.
double PowerOf(const CrossedError& error, double effect, double alpha = 0.05);
// The true difference that the test at `alpha` finds with `power`, were A and
// B the true variances; of A alone, the noncentral t's. NaN for an error of 0.
double DetectableEffect(const CrossedError& error, double alpha = 0.05,
                        double power = 0.8);
// The same from estimates: times what makes up for a square root of an
// estimated variance being too small on average (c4), in the share that A has.
// So rows of a design call, on average, what it detects with this power.
double DetectableEstimate(const CrossedError& error, double alpha = 0.05,
                          double power = 0.8);

// Exact two-sided sign-flip test over the seeds' differences: 2^S patterns.
// Its floor is 2 / 2^S.
double SignFlipP(const std::vector<double>& differences_S);
double SignFlipFloor(size_t n_seeds);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_CROSSED_ERROR_H_
