// The optimizer's step inside the backward pass.
#ifndef HARNESS_TRAIN_STEP_IN_BACKWARD_H_
#define HARNESS_TRAIN_STEP_IN_BACKWARD_H_

#include "harness/train/optimizers/optimizer.h"

namespace sft::train {

// While it lives, a backward pass moves each parameter as soon as its gradient
// is whole and drops that gradient, so that no two of them need exist together
// (LOMO, arXiv 2306.09782, section 3.1, here with AdamW). Of use only where no
// step waits for all gradients: the last micro-batch, unclipped. On the CPU;
// weights and norm are bit-equal to those of a step afterwards.
class StepInBackward {
 public:
  StepInBackward(Optimizer& optimizer, double learning_rate);
  ~StepInBackward();
  StepInBackward(const StepInBackward&) = delete;
  StepInBackward& operator=(const StepInBackward&) = delete;

 private:
  Optimizer& optimizer_;
};

}  // namespace sft::train

#endif  // HARNESS_TRAIN_STEP_IN_BACKWARD_H_
