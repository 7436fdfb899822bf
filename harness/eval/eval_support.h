// What every evaluation begins with.
#ifndef HARNESS_EVAL_EVAL_SUPPORT_H_
#define HARNESS_EVAL_EVAL_SUPPORT_H_

#include <chrono>
#include <string>

#include "harness/core/records.h"
#include "harness/eval/evaluator.h"

namespace sft {

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

inline EvalRecord StartRecord(const std::string& task,
                              const EvalOptions& options) {
  EvalRecord record;
  record.task = task;
  record.split = options.split;
  record.round = options.round;
  return record;
}

}  // namespace sft

#endif  // HARNESS_EVAL_EVAL_SUPPORT_H_
