#include "harness/kernels/attention/device_attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <utility>

#include "harness/kernels/attention/attention.h"
#include "harness/kernels/shared/torch_internals.h"

namespace sft::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// A function's argument is a tensor of some device, or none.
std::optional<at::Tensor> IfDefined(const at::Tensor& x) {
  return x.defined() ? std::optional(x) : std::nullopt;
}

// What the backward pass of either kernel wants, in a graph's node.
void Save(AutogradContext* ctx, const AttentionOperands& of,
          const AttentionResult& made) {
  ctx->save_for_backward({of.q, of.k, of.v, made.out, made.lse, made.seed,
                          made.offset, of.cu_seqlens.value_or(at::Tensor())});
  ctx->saved_data["longest"] = of.longest;
  ctx->saved_data["scale"] = of.scale;
  ctx->saved_data["causal"] = of.causal;
  ctx->saved_data["window"] = of.window;
}
std::pair<AttentionOperands, AttentionResult> Saved(AutogradContext* ctx) {
  const auto saved = ctx->get_saved_variables();
  return {{.q = saved[0],
           .k = saved[1],
           .v = saved[2],
           .cu_seqlens = IfDefined(saved[7]),
           .longest = ctx->saved_data["longest"].toInt(),
           .scale = ctx->saved_data["scale"].toDouble(),
           .causal = ctx->saved_data["causal"].toBool(),
           .window = ctx->saved_data["window"].toInt()},
          {saved[3], saved[4], saved[5], saved[6]}};
}

// A kernel (FlashForward(), EfficientForward()) and its backward pass.
template <auto kForward, auto kBackward>
struct AttentionFunction
    : torch::autograd::Function<AttentionFunction<kForward, kBackward>> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q,
                            const at::Tensor& k, const at::Tensor& v,
                            const DeviceAttentionShape& shape) {
    at::AutoDispatchBelowADInplaceOrView below;
    const AttentionOperands of = {.q = q,
                                  .k = k,
                                  .v = v,
                                  .cu_seqlens = IfDefined(shape.cu_seqlens),
                                  .longest = shape.longest,
                                  .scale = shape.scale,
                                  .causal = shape.causal,
                                  .window = shape.window};
    const AttentionResult made = kForward(of);
    Save(ctx, of, made);
    return made.out;
  }

  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto [of, made] = Saved(ctx);
    const AttentionGradients grad = kBackward(of, made, grads[0]);
    return {grad.q, grad.k, grad.v, at::Tensor()};
  }
};
using FlashFunction = AttentionFunction<FlashForward, FlashBackward>;
using EfficientFunction =
    AttentionFunction<EfficientForward, EfficientBackward>;

}  // namespace

bool HasDeviceAttention(at::Device device, at::ScalarType dtype,
                        int64_t head_width, bool windowed) {
  return device.is_cuda() && head_width % 8 == 0 && head_width <= 256 &&
         (dtype == at::kBFloat16 || (dtype == at::kFloat && !windowed));
}

at::Tensor DeviceAttention(const at::Tensor& q_BNTH, const at::Tensor& k_BKTH,
                           const at::Tensor& v_BKTH,
                           const DeviceAttentionShape& shape) {
  const bool flat = shape.cu_seqlens.defined();
  TORCH_CHECK(!flat || q_BNTH.size(0) == 1, "a packed batch has one row, got ",
              q_BNTH.size(0));
  const auto tokens_first = [](const at::Tensor& x) {
    return x.transpose(1, 2).contiguous();
  };
  if (q_BNTH.scalar_type() == at::kFloat) {
    TORCH_CHECK(shape.window == 0, "no window in f32");
    // These kernels want a key head a query head.
    const int64_t heads = q_BNTH.size(1);
    return EfficientFunction::apply(
               tokens_first(q_BNTH), tokens_first(ExpandHeads(k_BKTH, heads)),
               tokens_first(ExpandHeads(v_BKTH, heads)), shape)
        .transpose(1, 2);
  }
  const auto operand = [&](const at::Tensor& x) {
    return flat ? tokens_first(x).squeeze(0) : tokens_first(x);
  };
  const at::Tensor out = FlashFunction::apply(operand(q_BNTH), operand(k_BKTH),
                                              operand(v_BKTH), shape);
  return (flat ? out.unsqueeze(0) : out).transpose(1, 2);
}

}  // namespace sft::kernels
