#include "harness/model/ops/checkpoint.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <memory>
#include <utility>

namespace sft::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct CheckpointFunction : torch::autograd::Function<CheckpointFunction> {
  // `anchor` needs a gradient, so that the output does even where x does not
  // (frozen embedding, trained adapters).
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& /*anchor*/,
                            std::shared_ptr<BlockFn> block) {
    ctx->save_for_backward({x});
    // Captured in the node by value; freed with it.
    ctx->saved_data["block"] = c10::IValue::make_capsule(
        c10::make_intrusive<Holder>(std::move(block)));
    at::NoGradGuard off;
    return (*HeldBlock(ctx))(x.detach());
  }
  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const at::Tensor x = ctx->get_saved_variables()[0];
    const at::Tensor again =
        x.detach().requires_grad_(ctx->needs_input_grad(0));
    at::Tensor y;
    {
      at::AutoGradMode on(true);
      y = (*HeldBlock(ctx))(again);
    }
    torch::autograd::backward({y}, {grads[0]});
    return {again.mutable_grad(), at::Tensor(), at::Tensor()};
  }

 private:
  struct Holder : torch::CustomClassHolder {
    explicit Holder(std::shared_ptr<BlockFn> held) : block(std::move(held)) {}
    std::shared_ptr<BlockFn> block;
  };
  static std::shared_ptr<BlockFn> HeldBlock(AutogradContext* ctx) {
    return c10::static_intrusive_pointer_cast<Holder>(
               ctx->saved_data["block"].toCapsule())
        ->block;
  }
};

}  // namespace

at::Tensor Checkpointed(const at::Tensor& x, BlockFn block) {
  const at::Tensor anchor =
      at::zeros({}, x.options().dtype(at::kFloat)).requires_grad_(true);
  return CheckpointFunction::apply(x, anchor,
                                   std::make_shared<BlockFn>(std::move(block)));
}

}  // namespace sft::model
