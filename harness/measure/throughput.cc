#include "harness/measure/throughput.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

#include "harness/core/stopwatch.h"

namespace sft::measure {
namespace {

double Ratio(double amount, double seconds) {
  return seconds > 0 ? amount / seconds : 0;
}

}  // namespace

double Throughput::padding_fraction() const {
  const int64_t computed = real_tokens + padded_tokens;
  return computed > 0 ? static_cast<double>(padded_tokens) /
                            static_cast<double>(computed)
                      : 0;
}
double Throughput::RealTokensPerSecond() const {
  return Ratio(static_cast<double>(real_tokens), wall_seconds);
}
double Throughput::TargetTokensPerSecond() const {
  return Ratio(static_cast<double>(target_tokens), wall_seconds);
}
double Throughput::ComputedTokensPerSecond() const {
  return Ratio(static_cast<double>(real_tokens + padded_tokens), wall_seconds);
}
double Throughput::StepsPerSecond() const {
  return Ratio(static_cast<double>(steps), wall_seconds);
}

Throughput SumSteps(const std::vector<StepRecord>& steps, int64_t skip) {
  const auto count = static_cast<int64_t>(steps.size());
  Throughput sum;
  for (int64_t i = skip < count ? std::max<int64_t>(0, skip) : 0; i < count;
       ++i) {
    const StepRecord& step = steps[static_cast<size_t>(i)];
    ++sum.steps;
    sum.sequences += step.sequences;
    sum.real_tokens += step.real_tokens;
    sum.target_tokens += step.target_tokens;
    sum.padded_tokens += step.padded_tokens;
    sum.wall_seconds += step.wall_seconds;
    sum.cpu_seconds += step.cpu_seconds;
  }
  return sum;
}

std::map<std::string, double> RatesOf(const Throughput& throughput) {
  return {{"real_tokens_per_second", throughput.RealTokensPerSecond()},
          {"target_tokens_per_second", throughput.TargetTokensPerSecond()},
          {"computed_tokens_per_second", throughput.ComputedTokensPerSecond()},
          {"steps_per_second", throughput.StepsPerSecond()},
          {"train_wall_seconds", throughput.wall_seconds},
          {"train_cpu_seconds", throughput.cpu_seconds}};
}

double MatrixProductFlopsPerSecond(at::ScalarType dtype, at::Device device,
                                   int64_t n, int repeats) {
  const at::NoGradGuard no_grad;
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  const at::Tensor a = at::full({n, n}, 0.5, options);
  const at::Tensor b = at::full({n, n}, 0.25, options);
  double best_seconds = std::numeric_limits<double>::infinity();
  for (int i = 0; i <= repeats; ++i) {
    const Stopwatch watch;
    // Reading one value waits for a device to be done.
    at::matmul(a, b).narrow(0, 0, 1).narrow(1, 0, 1).item<double>();
    const double seconds = watch.WallSeconds();
    if (i > 0) best_seconds = std::min(best_seconds, seconds);
  }
  const auto side = static_cast<double>(n);
  return 2 * side * side * side / best_seconds;
}

}  // namespace sft::measure
