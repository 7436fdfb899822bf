#include "harness/model/ops/ops.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "harness/kernels/block/block_glue.h"
#include "harness/model/ops/remake.h"

namespace sft::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool HasNormKernels(const at::Tensor& x) {
  return x.scalar_type() == at::kFloat && kernels::HasBlockKernels(x);
}

struct RmsNormFunction : torch::autograd::Function<RmsNormFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x_in,
                            const at::Tensor& weight, double epsilon,
                            at::ScalarType out) {
    at::AutoDispatchBelowADInplaceOrView below;
    if (!HasNormKernels(x_in)) {
      const at::Tensor rstd =
          x_in.square().mean(-1, true).add_(epsilon).rsqrt_();
      ctx->save_for_backward({KeepInput(ctx, x_in), weight, rstd});
      return x_in.mul(rstd).mul_(weight).to(out);
    }
    const at::Tensor x = x_in.contiguous(), w = weight.contiguous();
    const kernels::NormedRows normed = kernels::RmsNormRows(x, w, epsilon, out);
    ctx->save_for_backward(
        {x_in.is_contiguous() ? KeepInput(ctx, x_in) : x, w, normed.rstd_M});
    return normed.y;
  }
  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor x = KeptInput(ctx, saved[0]);
    const at::Tensor &weight = saved[1], &rstd = saved[2];
    at::Tensor grad_x, grad_weight;
    const bool of_weight = ctx->needs_input_grad(1);
    if (HasNormKernels(x)) {
      const kernels::NormGradients made = kernels::RmsNormRowsBackward(
          grads[0].contiguous(), x, weight, rstd, of_weight);
      grad_x = made.x;
      grad_weight = made.w_D;
    } else {
      const at::Tensor grad = grads[0].to(x.scalar_type());
      const at::Tensor normed = x.mul(rstd);
      const at::Tensor g = grad.mul(weight);
      grad_x = g.sub(normed.mul(g.mul(normed).mean(-1, true))).mul_(rstd);
      if (of_weight) {
        grad_weight = grad.mul(normed).reshape({-1, x.size(-1)}).sum(0);
      }
    }
    if (!ctx->needs_input_grad(0)) grad_x = at::Tensor();
    return {grad_x, grad_weight, at::Tensor(), at::Tensor()};
  }
};

// Rows of heads turned by their angles; backward turns the gradient back.
struct RotateFunction : torch::autograd::Function<RotateFunction> {
  static at::Tensor Turn(const at::Tensor& x_BNTH, const at::Tensor& cos,
                         const at::Tensor& sin, bool inverse) {
    const at::Tensor x = x_BNTH.transpose(1, 2).contiguous();
    return kernels::RotatedRows(x, cos, sin, inverse).transpose(1, 2);
  }
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x_BNTH,
                            const at::Tensor& cos, const at::Tensor& sin) {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({cos, sin});
    return Turn(x_BNTH, cos, sin, /*inverse=*/false);
  }
  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    return {Turn(grads[0], saved[0], saved[1], /*inverse=*/true), at::Tensor(),
            at::Tensor()};
  }
};

// silu(gate) * up by the kernels.
struct SwiGluFunction : torch::autograd::Function<SwiGluFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gate_in,
                            const at::Tensor& up_in) {
    at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor gate = gate_in.contiguous(), up = up_in.contiguous();
    ctx->save_for_backward({gate, up});
    return kernels::SwiGluElements(gate, up);
  }
  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const kernels::SwiGluGradients made = kernels::SwiGluElementsBackward(
        grads[0].contiguous(), saved[0], saved[1]);
    return {made.gate, made.up};
  }
};

struct Silu {
  static at::Tensor Forward(const at::Tensor& x) { return at::silu(x); }
  static at::Tensor Backward(const at::Tensor& grad, const at::Tensor& x) {
    return at::silu_backward(grad, x);
  }
};
struct GeluTanh {
  static at::Tensor Forward(const at::Tensor& x) { return at::gelu(x, "tanh"); }
  static at::Tensor Backward(const at::Tensor& grad, const at::Tensor& x) {
    return at::gelu_backward(grad, x, "tanh");
  }
};

// act(gate) * up.
template <class Act>
struct GatedFunction : torch::autograd::Function<GatedFunction<Act>> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gate,
                            const at::Tensor& up) {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({gate, up});
    return Act::Forward(gate).mul_(up);
  }
  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor& gate = saved[0];
    const at::Tensor& up = saved[1];
    at::Tensor grad_gate, grad_up;
    if (ctx->needs_input_grad(0)) {
      grad_gate = Act::Backward(grads[0].mul(up), gate);
    }
    if (ctx->needs_input_grad(1)) grad_up = Act::Forward(gate).mul_(grads[0]);
    return {grad_gate, grad_up};
  }
};

}  // namespace

at::Tensor Activate(Activation activation, const at::Tensor& x) {
  switch (activation) {
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kTanh:
      return at::tanh(x);
    case Activation::kRelu:
      return at::relu(x);
  }
  return x;
}

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight_D,
                   double epsilon, at::ScalarType out) {
  const at::Tensor y = RmsNormFunction::apply(x, weight_D, epsilon, out);
  SetRemake(y, [make = KeepForRemake(x), w = weight_D.detach(), epsilon, out] {
    return RmsNormFunction::apply(make(), w, epsilon, out);
  });
  return y;
}

at::Tensor ResidualSum(const at::Tensor& x, const at::Tensor& more,
                       double scale) {
  at::Tensor sum = x.add(more, scale);
  if (x.is_cpu() && more.element_size() < x.element_size() && !IsRemade(x)) {
    SetRemake(sum, [x = x.detach(), more = more.detach(), scale] {
      return x.add(more, scale);
    });
  }
  return sum;
}

at::Tensor SwiGlu(const at::Tensor& gate, const at::Tensor& up) {
  if (kernels::HasBlockKernels(gate)) {
    const at::Tensor y = SwiGluFunction::apply(gate, up);
    SetRemake(y, [gate = gate.detach(), up = up.detach()] {
      return SwiGluFunction::apply(gate, up);
    });
    return y;
  }
  return GatedFunction<Silu>::apply(gate, up);
}

at::Tensor GeGluTanh(const at::Tensor& gate, const at::Tensor& up) {
  return GatedFunction<GeluTanh>::apply(gate, up);
}

RotaryTable MakeRotaryTable(const at::Tensor& position_ids_BT,
                            int64_t head_width, double theta,
                            at::ScalarType dtype) {
  const at::TensorOptions options =
      at::TensorOptions().dtype(dtype).device(position_ids_BT.device());
  const at::Tensor exponent = at::arange(0, head_width, 2, options)
                                  .div_(static_cast<double>(head_width));
  const at::Tensor frequency =
      at::full({}, theta, options).pow(exponent).reciprocal_();
  const at::Tensor half_BTH =
      position_ids_BT.to(dtype).unsqueeze(-1).mul(frequency);
  const at::Tensor angle_B1TH = at::cat({half_BTH, half_BTH}, -1).unsqueeze(1);
  return {angle_B1TH.cos(), angle_B1TH.sin()};
}

at::Tensor Rotate(const at::Tensor& x_BNTH, const RotaryTable& table) {
  const int64_t turned_width = table.cos_B1TH.size(-1);
  if (const int64_t rest = x_BNTH.size(-1) - turned_width; rest > 0) {
    // Joined in the order in which tokens lie in memory.
    const at::Tensor turned_BTNR =
        Rotate(x_BNTH.narrow(-1, 0, turned_width), table).transpose(1, 2);
    const at::Tensor x_BTNH = x_BNTH.transpose(1, 2);
    return at::cat({turned_BTNR, x_BTNH.narrow(-1, turned_width, rest)}, -1)
        .transpose(1, 2);
  }
  if (kernels::HasBlockKernels(x_BNTH) &&
      table.cos_B1TH.scalar_type() == at::kFloat &&
      table.cos_B1TH.size(0) == x_BNTH.size(0)) {
    return RotateFunction::apply(x_BNTH, table.cos_B1TH, table.sin_B1TH);
  }
  const at::Tensor x = x_BNTH.to(table.cos_B1TH.scalar_type());
  const int64_t half = x.size(-1) / 2;
  const at::Tensor turned =
      at::cat({x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)}, -1);
  return x.mul(table.cos_B1TH)
      .add(turned.mul(table.sin_B1TH))
      .to(x_BNTH.scalar_type());
}

at::Tensor AddEmbeddingNoise(const at::Tensor& x_BTD, const Batch& batch,
                             const PassState& pass) {
  if (!pass.training || pass.neftune_alpha == 0) return x_BTD;
  at::Generator generator = at::detail::createCPUGenerator(pass.dropout_seed);
  const at::Tensor noise =
      at::rand(x_BTD.sizes(), generator, at::TensorOptions(at::kFloat))
          .mul_(2)
          .sub_(1);
  const int64_t T = x_BTD.size(1), D = x_BTD.size(2);
  at::Tensor scale_BT = at::zeros({x_BTD.size(0), T});
  const bool padded = !batch.cu_seqlens.defined();
  int64_t at = 0;
  for (size_t s = 0; s < batch.lengths.size(); ++s) {
    const int64_t length = batch.lengths[s];
    const double most =
        pass.neftune_alpha / std::sqrt(static_cast<double>(length * D));
    scale_BT.select(0, padded ? static_cast<int64_t>(s) : 0)
        .narrow(0, padded ? 0 : at, length)
        .fill_(most);
    at += length;
  }
  return x_BTD.add(noise.mul_(scale_BT.unsqueeze(-1)).to(x_BTD.options()));
}

}  // namespace sft::model
