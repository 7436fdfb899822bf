// What configs call activations, in transformers' names.
#ifndef HARNESS_MODEL_FAMILIES_ACTIVATION_NAMES_H_
#define HARNESS_MODEL_FAMILIES_ACTIVATION_NAMES_H_

#include "harness/model/ops/ops.h"

namespace sft::model {

struct ActivationName {
  const char* name;
  Activation activation;
};
// Of one that has several, the first is the one that is written.
inline constexpr ActivationName kActivationNames[] = {
    {"silu", Activation::kSilu},
    {"gelu", Activation::kGelu},
    {"gelu_new", Activation::kGeluTanh},
    {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},
    {"relu", Activation::kRelu},
    {"tanh", Activation::kTanh}};

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_ACTIVATION_NAMES_H_
