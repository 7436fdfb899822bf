#include "harness/model/ops/remake.h"

#include <ATen/core/ivalue.h>
#include <c10/core/GradMode.h>

#include <utility>

#include "harness/kernels/shared/torch_internals.h"

namespace sft::model {
namespace {

constexpr char kRecipe[] = "remake";

// What rode on a tensor, in a graph's node.
struct KeptRecipe : torch::CustomClassHolder {
  explicit KeptRecipe(std::function<at::Tensor()> m) : make(std::move(m)) {}
  std::function<at::Tensor()> make;
};

}  // namespace

void SetRemake(const at::Tensor& x, std::function<at::Tensor()> make) {
  if (x.requires_grad()) kernels::SetRider(x, std::move(make));
}

bool IsRemade(const at::Tensor& x) { return kernels::RiderOf(x) != nullptr; }

std::function<at::Tensor()> KeepForRemake(const at::Tensor& x) {
  const std::function<at::Tensor()>* make = kernels::RiderOf(x);
  if (make != nullptr) return *make;
  return [x = x.detach()] { return x; };
}

at::Tensor KeepInput(torch::autograd::AutogradContext* ctx,
                     const at::Tensor& x) {
  const std::function<at::Tensor()>* make = kernels::RiderOf(x);
  if (make == nullptr) return x;
  ctx->saved_data[kRecipe] =
      c10::IValue::make_capsule(c10::make_intrusive<KeptRecipe>(*make));
  return {};
}

at::Tensor KeptInput(torch::autograd::AutogradContext* ctx,
                     const at::Tensor& saved) {
  if (saved.defined()) return saved;
  const auto it = ctx->saved_data.find(kRecipe);
  TORCH_CHECK(it != ctx->saved_data.end(),
              "a second backward pass through one graph");
  const auto recipe =
      c10::static_intrusive_pointer_cast<KeptRecipe>(it->second.toCapsule());
  // Nodes outlive their turn: what the recipe holds must not.
  ctx->saved_data.erase(it);
  at::NoGradGuard off;
  return recipe->make();
}

}  // namespace sft::model
