#include "harness/train/schedule.h"

#include <algorithm>
#include <cmath>

#include "harness/core/status.h"

namespace sft::train {
namespace {
constexpr double kPi = 3.14159265358979323846;
}  // namespace

absl::StatusOr<Schedule> Schedule::Make(const std::string& name,
                                        double learning_rate,
                                        double warmup_ratio, int64_t steps) {
  const auto warmup_steps = static_cast<int64_t>(
      std::ceil(warmup_ratio * static_cast<double>(steps)));
  if (name == "cosine") {
    return Schedule(Shape::kCosine, learning_rate, warmup_steps, steps);
  }
  if (name == "linear") {
    return Schedule(Shape::kLinear, learning_rate, warmup_steps, steps);
  }
  if (name == "constant") {
    return Schedule(Shape::kConstant, learning_rate, warmup_steps, steps);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "schedule: '", name, "'; wanted cosine, linear or constant"));
}

double Schedule::RateAt(double k) const {
  const auto warmup = static_cast<double>(warmup_steps_);
  if (k < warmup) return learning_rate_ * (k / std::max(1.0, warmup));
  const double rest = std::max(1.0, static_cast<double>(steps_) - warmup);
  const double progress = (k - warmup) / rest;
  switch (shape_) {
    case Shape::kCosine:
      return learning_rate_ *
             std::max(0.0, 0.5 * (1.0 + std::cos(kPi * progress)));
    case Shape::kLinear:
      return learning_rate_ * std::max(0.0, 1.0 - progress);
    case Shape::kConstant:
      return learning_rate_;
  }
  return learning_rate_;
}

}  // namespace sft::train
