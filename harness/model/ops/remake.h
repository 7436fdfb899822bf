// Tensors that can be made again from what is kept anyway. An operation that
// needs its input for the backward pass keeps the recipe in its place, and the
// tensor goes when the forward pass is done with it.
#ifndef HARNESS_MODEL_OPS_REMAKE_H_
#define HARNESS_MODEL_OPS_REMAKE_H_

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <functional>

namespace sft::model {

// `make` gives the values of x, and holds nothing that keeps a graph alive.
void SetRemake(const at::Tensor& x, std::function<at::Tensor()> make);
// Whether it has a recipe.
bool IsRemade(const at::Tensor& x);

// x when it is wanted: made again where it can be, else kept until then.
std::function<at::Tensor()> KeepForRemake(const at::Tensor& x);

// In a custom function's forward: what to save in the place of x; nothing
// where the context took over x's recipe.
at::Tensor KeepInput(torch::autograd::AutogradContext* ctx,
                     const at::Tensor& x);
// In its backward, once: x, from what was saved or made again.
at::Tensor KeptInput(torch::autograd::AutogradContext* ctx,
                     const at::Tensor& saved);

}  // namespace sft::model

#endif  // HARNESS_MODEL_OPS_REMAKE_H_
