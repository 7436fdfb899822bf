// Rows whose number of words is far from the median, on a log scale and in
// robust standard deviations (1.4826 times the median absolute deviation).
#include <algorithm>
#include <cmath>

#include "harness/data/prepare/checks.h"

namespace sft::data {
namespace {

constexpr double kLeastDeviation = 0.1;  // of the logarithm: about a tenth

double Median(std::vector<double> values) {
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

absl::Status FindLengthOutliers(PrepareState& state) {
  std::vector<double> logs;
  auto log_words = [&state](uint32_t i) { return std::log1p(state.words[i]); };
  for (uint32_t i = 0; i < state.rows.size(); ++i) {
    if (state.Fine(i)) logs.push_back(log_words(i));
  }
  if (logs.size() < 10) return absl::OkStatus();
  const double median = Median(logs);
  for (double& value : logs) value = std::abs(value - median);
  const double deviation = std::max(kLeastDeviation, 1.4826 * Median(logs));
  const double far = state.options.length_outlier_deviations * deviation;
  for (uint32_t i = 0; i < state.rows.size(); ++i) {
    if (!state.Fine(i)) continue;
    const double distance = log_words(i) - median;
    if (std::abs(distance) > far) {
      state.Flag(i, CheckId::kLength, distance > 0 ? "long" : "short");
    }
  }
  return absl::OkStatus();
}

}  // namespace sft::data
