// An optimizer's step at one rate, as a method's hook sees it.
#ifndef HARNESS_TRAIN_OPTIMIZER_MOVES_H_
#define HARNESS_TRAIN_OPTIMIZER_MOVES_H_

#include <vector>

#include "harness/train/method.h"
#include "harness/train/optimizers/optimizer.h"

namespace sft::train {

class OptimizerMoves : public StepMoves {
 public:
  OptimizerMoves(Optimizer& optimizer, double learning_rate)
      : optimizer_(optimizer), learning_rate_(learning_rate) {}
  const std::vector<TrainableParameter>& parameters() const override {
    return optimizer_.parameters();
  }
  void MoveAll() override { optimizer_.Step(learning_rate_); }
  void Move(size_t index) override {
    optimizer_.StepRange(index, index + 1, learning_rate_);
  }
  at::Tensor FirstMoment(size_t index) const override {
    return optimizer_.FirstMoment(index);
  }

 private:
  Optimizer& optimizer_;
  double learning_rate_;
};

}  // namespace sft::train

#endif  // HARNESS_TRAIN_OPTIMIZER_MOVES_H_
