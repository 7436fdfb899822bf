#include "harness/kernels/attention/device_attention.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <tuple>

#include "harness/kernels/attention/attention.h"

namespace sft::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kCausalFromTopLeft = 1;  // of the memory-efficient kernels

// The kernels sum gradients by atomic additions unless LibTorch is told that
// every operation must be deterministic.
class FixedOrder {
 public:
  FixedOrder()
      : on_(at::globalContext().deterministicAlgorithms()),
        warn_(at::globalContext().deterministicAlgorithmsWarnOnly()),
        fill_(at::globalContext().deterministicFillUninitializedMemory()) {
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  }
  ~FixedOrder() {
    at::globalContext().setDeterministicAlgorithms(on_, warn_);
    at::globalContext().setDeterministicFillUninitializedMemory(fill_);
  }
  FixedOrder(const FixedOrder&) = delete;
  FixedOrder& operator=(const FixedOrder&) = delete;

 private:
  const bool on_, warn_, fill_;
};

// A function's argument is a tensor of some device, or none.
std::optional<at::Tensor> IfDefined(const at::Tensor& x) {
  return x.defined() ? std::optional(x) : std::nullopt;
}

// Of a window that ends with the token itself; none where there is no window.
std::optional<int64_t> LeftOf(int64_t window) {
  return window > 0 ? std::optional(window - 1) : std::nullopt;
}
std::optional<int64_t> RightOf(int64_t window) {
  return window > 0 ? std::optional<int64_t>(0) : std::nullopt;
}

int64_t MaskOf(bool causal) { return causal ? kCausalFromTopLeft : 0; }

// q, k, v [B, T, N, H], or [T, N, H] with cu_seqlens; k and v may have fewer
// heads.
struct FlashFunction : torch::autograd::Function<FlashFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q,
                            const at::Tensor& k, const at::Tensor& v,
                            const std::optional<at::Tensor>& cu_seqlens,
                            int64_t longest, double scale, bool causal,
                            int64_t window) {
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [out, lse, rng, unused, mask] = at::_flash_attention_forward(
        q, k, v, cu_seqlens, cu_seqlens, longest, longest, /*dropout_p=*/0.0,
        causal, /*return_debug_mask=*/false, scale, LeftOf(window),
        RightOf(window));
    ctx->save_for_backward(
        {q, k, v, out, lse, rng, unused, cu_seqlens.value_or(at::Tensor())});
    ctx->saved_data["longest"] = longest;
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["causal"] = causal;
    ctx->saved_data["window"] = window;
    return out;
  }

  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const int64_t longest = ctx->saved_data["longest"].toInt();
    const int64_t window = ctx->saved_data["window"].toInt();
    const FixedOrder fixed;
    const auto [of_q, of_k, of_v] = at::_flash_attention_backward(
        grads[0].contiguous(), saved[0], saved[1], saved[2], saved[3], saved[4],
        saved[7], saved[7], longest, longest, /*dropout_p=*/0.0,
        ctx->saved_data["causal"].toBool(), saved[5], saved[6],
        ctx->saved_data["scale"].toDouble(), LeftOf(window), RightOf(window));
    const at::Tensor none;
    return {of_q, of_k, of_v, none, none, none, none, none};
  }
};

// q, k, v [B, T, N, H]; B is 1 with cu_seqlens.
struct EfficientFunction : torch::autograd::Function<EfficientFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q,
                            const at::Tensor& k, const at::Tensor& v,
                            const std::optional<at::Tensor>& cu_seqlens,
                            int64_t longest, double scale, bool causal) {
    at::AutoDispatchBelowADInplaceOrView below;
    const auto most = cu_seqlens ? std::optional(longest) : std::nullopt;
    const auto made = at::_efficient_attention_forward(
        q, k, v, /*bias=*/std::nullopt, cu_seqlens, cu_seqlens, most, most,
        /*dropout_p=*/0.0, MaskOf(causal), /*compute_log_sumexp=*/true, scale);
    const at::Tensor& out = std::get<0>(made);
    ctx->save_for_backward({q, k, v, out, std::get<1>(made), std::get<2>(made),
                            std::get<3>(made),
                            cu_seqlens.value_or(at::Tensor())});
    ctx->saved_data["longest"] = longest;
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["causal"] = causal;
    return out;
  }

  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const int64_t longest = ctx->saved_data["longest"].toInt();
    const std::optional<at::Tensor> cu_seqlens = IfDefined(saved[7]);
    const FixedOrder fixed;
    const auto made = at::_efficient_attention_backward(
        grads[0].contiguous(), saved[0], saved[1], saved[2],
        /*bias=*/std::nullopt, saved[3], cu_seqlens, cu_seqlens, longest,
        longest, saved[4], /*dropout_p=*/0.0, saved[5], saved[6],
        MaskOf(ctx->saved_data["causal"].toBool()),
        /*bias_requires_grad=*/false, ctx->saved_data["scale"].toDouble());
    const at::Tensor none;
    return {std::get<0>(made),
            std::get<1>(made),
            std::get<2>(made),
            none,
            none,
            none,
            none};
  }
};

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
    return EfficientFunction::apply(tokens_first(q_BNTH),
                                    tokens_first(ExpandHeads(k_BKTH, heads)),
                                    tokens_first(ExpandHeads(v_BKTH, heads)),
                                    IfDefined(shape.cu_seqlens), shape.longest,
                                    shape.scale, shape.causal)
        .transpose(1, 2);
  }
  const auto operand = [&](const at::Tensor& x) {
    return flat ? tokens_first(x).squeeze(0) : tokens_first(x);
  };
  const at::Tensor out =
      FlashFunction::apply(operand(q_BNTH), operand(k_BKTH), operand(v_BKTH),
                           IfDefined(shape.cu_seqlens), shape.longest,
                           shape.scale, shape.causal, shape.window);
  return (flat ? out.unsqueeze(0) : out).transpose(1, 2);
}

}  // namespace sft::kernels
