#include "harness/train/divergence.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace sft::train {
namespace {

// A loss this far above a uniform guess for so many steps has run away.
constexpr int64_t kRunawaySteps = 20;
constexpr double kRunawayFactor = 2.0;

}  // namespace

std::string WhyDiverged(const std::vector<StepRecord>& steps,
                        int64_t steps_in_round, int64_t vocabulary) {
  const StepRecord& last = steps.back();
  if (!std::isfinite(last.loss)) {
    return absl::StrCat("step ", last.step, ": the loss is not finite");
  }
  if (!std::isfinite(last.grad_norm)) {
    return absl::StrCat("step ", last.step,
                        ": the gradient norm is not finite");
  }
  if (vocabulary == 0) return "";
  const double limit =
      kRunawayFactor *
      std::log(std::max<double>(2, static_cast<double>(vocabulary)));
  if (steps_in_round < kRunawaySteps) return "";
  for (int64_t back = 1; back <= kRunawaySteps; ++back) {
    if (!(steps[steps.size() - static_cast<size_t>(back)].loss > limit)) {
      return "";
    }
  }
  return absl::StrCat("step ", last.step, ": the loss was above ", limit,
                      " nats/token for ", kRunawaySteps, " steps");
}

}  // namespace sft::train
