#include "harness/kernels/attention/sequence_attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "harness/kernels/attention/varlen_attention.h"
#include "harness/kernels/shared/raw_tensor.h"

namespace sft::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// [B, N, T, H] -> dense [B, T, N, H]: of a transposed view the view's base.
at::Tensor TokensFirst(const at::Tensor& x_BNTH) {
  return x_BNTH.transpose(1, 2).contiguous();
}

VarlenShape ShapeOf(const at::Tensor& q_BTNH, const at::Tensor& k_BTKH,
                    std::vector<int64_t> bounds, double scale, bool causal) {
  VarlenShape shape;
  TORCH_CHECK(
      bounds.size() > 1 && bounds.back() == q_BTNH.size(0) * q_BTNH.size(1) &&
          q_BTNH.size(1) == k_BTKH.size(1),
      "sequences of ", bounds.empty() ? 0 : bounds.back(),
      " tokens over queries ", q_BTNH.sizes(), " and keys ", k_BTKH.sizes());
  shape.bounds = std::move(bounds);
  shape.heads = q_BTNH.size(2);
  shape.kv_heads = k_BTKH.size(2);
  shape.head_width = q_BTNH.size(3);
  shape.scale = static_cast<float>(scale);
  shape.causal = causal;
  return shape;
}

struct SequenceAttentionFunction
    : torch::autograd::Function<SequenceAttentionFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q_BNTH,
                            const at::Tensor& k_BKTH, const at::Tensor& v_BKTH,
                            const std::vector<int64_t>& bounds, double scale,
                            bool causal, const std::vector<int64_t>& prefixes) {
    at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor q = TokensFirst(q_BNTH), k = TokensFirst(k_BKTH),
                     v = TokensFirst(v_BKTH);
    const at::Tensor out = at::empty_like(q);
    const at::Tensor lse =
        at::empty({q.size(0), q.size(1), q.size(2)}, at::kFloat);
    VarlenShape shape = ShapeOf(q, k, bounds, scale, causal);
    shape.prefixes = prefixes;
    WithElements(q, [&](auto element) {
      using T = decltype(element);
      VarlenAttentionForward<T>(shape, Raw<T>(q), Raw<T>(k), Raw<T>(v),
                                RawMutable<T>(out),
                                lse.mutable_data_ptr<float>());
    });
    ctx->save_for_backward({q, k, v, out, lse});
    ctx->saved_data["bounds"] = bounds;
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["causal"] = causal;
    ctx->saved_data["prefixes"] = prefixes;
    return out.transpose(1, 2);
  }

  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2];
    const at::Tensor &out = saved[3], &lse = saved[4];
    const at::Tensor grad = TokensFirst(grads[0]);
    const at::Tensor grad_q = at::empty_like(q), grad_k = at::empty_like(k),
                     grad_v = at::empty_like(v);
    VarlenShape shape = ShapeOf(q, k, ctx->saved_data["bounds"].toIntVector(),
                                ctx->saved_data["scale"].toDouble(),
                                ctx->saved_data["causal"].toBool());
    shape.prefixes = ctx->saved_data["prefixes"].toIntVector();
    WithElements(q, [&](auto element) {
      using T = decltype(element);
      VarlenAttentionBackward<T>(
          shape, Raw<T>(grad), Raw<T>(q), Raw<T>(k), Raw<T>(v), Raw<T>(out),
          lse.const_data_ptr<float>(), RawMutable<T>(grad_q),
          RawMutable<T>(grad_k), RawMutable<T>(grad_v));
    });
    const at::Tensor none;
    return {grad_q.transpose(1, 2),
            grad_k.transpose(1, 2),
            grad_v.transpose(1, 2),
            none,
            none,
            none,
            none};
  }
};

}  // namespace

bool HasSequenceAttention(const at::Tensor& q) { return HasCpuKernels(q); }

at::Tensor SequenceAttention(const at::Tensor& q_BNTH, const at::Tensor& k_BKTH,
                             const at::Tensor& v_BKTH,
                             const std::vector<int64_t>& bounds, double scale,
                             bool causal,
                             const std::vector<int64_t>& prefixes) {
  return SequenceAttentionFunction::apply(q_BNTH, k_BKTH, v_BKTH, bounds, scale,
                                          causal, prefixes);
}

}  // namespace sft::kernels
