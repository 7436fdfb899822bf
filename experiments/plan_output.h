// A plan as a person or a program reads it.
#ifndef EXPERIMENTS_PLAN_OUTPUT_H_
#define EXPERIMENTS_PLAN_OUTPUT_H_

#include <cstddef>
#include <functional>
#include <string>

#include "harness/launch/plan_cost.h"

namespace sft::experiments {

// What is read for a plan, on standard error while it takes time; nothing where
// that is no terminal. The line goes with it.
class PlanProgress {
 public:
  PlanProgress();
  ~PlanProgress();
  PlanProgress(const PlanProgress&) = delete;
  PlanProgress& operator=(const PlanProgress&) = delete;
  std::function<void(const std::string&)> Say();
  void Clear();

 private:
  size_t columns_;  // 0: no terminal
  bool open_ = false;
};

// To standard output: aligned and cut to its width where that is a terminal,
// else tab-separated.
void PrintPlan(const launch::PlanDescription& plan);

}  // namespace sft::experiments

#endif  // EXPERIMENTS_PLAN_OUTPUT_H_
