#include "harness/train/step_in_backward.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>

namespace sft::train {
namespace {

struct InBackward : torch::autograd::PostAccumulateGradHook {
  InBackward(Optimizer* optimizer, size_t index, double learning_rate)
      : optimizer(optimizer), index(index), learning_rate(learning_rate) {}
  void operator()(const at::Tensor&) override {
    optimizer->StepAndDrop(index, learning_rate);
  }
  Optimizer* optimizer;
  size_t index;
  double learning_rate;
};

}  // namespace

StepInBackward::StepInBackward(Optimizer& optimizer, double learning_rate)
    : optimizer_(optimizer) {
  for (size_t i = 0; i < optimizer.parameters().size(); ++i) {
    torch::autograd::impl::set_post_acc_grad_hooks(
        optimizer.parameters()[i].tensor,
        std::make_unique<InBackward>(&optimizer, i, learning_rate));
  }
}

StepInBackward::~StepInBackward() {
  for (const TrainableParameter& p : optimizer_.parameters()) {
    torch::autograd::impl::set_post_acc_grad_hooks(p.tensor, nullptr);
  }
}

}  // namespace sft::train
