// Time and rates: real, target and padded tokens told apart, and the
// matrix-product rate of this process as the ceiling that utilisation is
// measured against.
#ifndef HARNESS_MEASURE_THROUGHPUT_H_
#define HARNESS_MEASURE_THROUGHPUT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/core/records.h"

namespace sft::measure {

struct Throughput {
  int64_t steps = 0;
  int64_t sequences = 0;
  int64_t real_tokens = 0;
  int64_t target_tokens = 0;
  int64_t padded_tokens = 0;
  double wall_seconds = 0;
  double cpu_seconds = 0;

  double padding_fraction() const;  // of all computed tokens
  double RealTokensPerSecond() const;
  double TargetTokensPerSecond() const;
  double ComputedTokensPerSecond() const;  // real and padded
  double StepsPerSecond() const;
};
// Sums over steps; the first `skip` ones (cold caches) are left out where
// others are left.
Throughput SumSteps(const std::vector<StepRecord>& steps, int64_t skip = 0);
// "real_tokens_per_second" and so on, for /measured.
std::map<std::string, double> RatesOf(const Throughput& throughput);

// Floating-point operations a second of square matrix products of side `n`:
// the best of `repeats`, after one to warm up.
double MatrixProductFlopsPerSecond(at::ScalarType dtype, at::Device device,
                                   int64_t n = 1024, int repeats = 5);

}  // namespace sft::measure

#endif  // HARNESS_MEASURE_THROUGHPUT_H_
