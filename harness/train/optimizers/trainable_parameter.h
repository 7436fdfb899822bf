// What an update method hands to the optimizer.
#ifndef HARNESS_TRAIN_OPTIMIZERS_TRAINABLE_PARAMETER_H_
#define HARNESS_TRAIN_OPTIMIZERS_TRAINABLE_PARAMETER_H_

#include <ATen/core/Tensor.h>

#include <string>

namespace sft::train {

struct TrainableParameter {
  std::string name;   // unique, stable over restarts
  at::Tensor tensor;  // a leaf that requires grad, f32 (f64 models: f64)
  double learning_rate_scale = 1;
  bool weight_decay = true;
};

}  // namespace sft::train

#endif  // HARNESS_TRAIN_OPTIMIZERS_TRAINABLE_PARAMETER_H_
