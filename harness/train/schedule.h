// Learning-rate schedules, as transformers' get_{cosine,linear,constant}_
// schedule_with_warmup hand them to LambdaLR. With W = ceil(ratio * S) and
// steps k = 0 .. S-1, step k takes lr * f(k):
//   k < W:  f = k / W, so the first step of a warm-up has rate 0;
//   else, with p = (k - W) / max(1, S - W):
//   cosine f = (1 + cos(pi p)) / 2;  linear f = 1 - p;  constant f = 1.
#ifndef HARNESS_TRAIN_SCHEDULE_H_
#define HARNESS_TRAIN_SCHEDULE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace sft::train {

class Schedule {
 public:
  // `name`: "cosine", "linear" or "constant".
  static absl::StatusOr<Schedule> Make(const std::string& name,
                                       double learning_rate,
                                       double warmup_ratio, int64_t steps);
  // Rate of the k-th step, counted from 0. A fraction is allowed: budgets of
  // wall time place their steps by the time that has passed.
  double RateAt(double k) const;
  int64_t warmup_steps() const { return warmup_steps_; }
  int64_t steps() const { return steps_; }

 private:
  enum class Shape { kCosine, kLinear, kConstant };
  Schedule(Shape shape, double learning_rate, int64_t warmup_steps,
           int64_t steps)
      : shape_(shape),
        learning_rate_(learning_rate),
        warmup_steps_(warmup_steps),
        steps_(steps) {}

  Shape shape_;
  double learning_rate_;
  int64_t warmup_steps_;
  int64_t steps_;
};

}  // namespace sft::train

#endif  // HARNESS_TRAIN_SCHEDULE_H_
