// LinearProduct, DenseLinear and the names of roles.
#include "harness/model/ops/dense_linear.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "harness/kernels/product/gemv.h"
#include "harness/kernels/product/matrix_product.h"
#include "harness/kernels/shared/processor_policy.h"
#include "harness/kernels/shared/raw_tensor.h"
#include "harness/model/ops/linear_product.h"
#include "harness/model/ops/reading_product.h"
#include "harness/model/ops/remake.h"

namespace sft::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor Widen(const at::Tensor& x) { return x.to(at::kFloat); }

// Calls f(begin, outputs) for the parts.
template <class F>
void ForOutputs(int64_t outputs, const F& f, int64_t part = kSumPart) {
  for (int64_t begin = 0; begin < outputs; begin += part) {
    f(begin, std::min(part, outputs - begin));
  }
}

// The gradient of x is a sum over O. MKL sums it in one f32 run where x has few
// rows, and over a vocabulary (O = 49,152, a few targets) that costs three
// digits: 5e-5 relative in every gradient below the head.
at::Tensor GradOfInput(const at::Tensor& grad_MO, const at::Tensor& w_OI) {
  const int64_t O = w_OI.size(0);
  if (O <= kSumPart) {
    return at::mm(Widen(grad_MO), Widen(w_OI)).to(grad_MO.scalar_type());
  }
  at::Tensor sum_MI = at::zeros({grad_MO.size(0), w_OI.size(1)},
                                grad_MO.options().dtype(at::kDouble));
  ForOutputs(O, [&](int64_t begin, int64_t part) {
    sum_MI.add_(kernels::MatrixProduct(Widen(grad_MO.narrow(1, begin, part)),
                                       Widen(w_OI.narrow(0, begin, part))));
  });
  return sum_MI.to(grad_MO.scalar_type());
}

// x [M, I] w [O, I]: bf16 operands, f32 products and sums, bf16 result; the
// same for both gradients. Saves bf16, so it costs no more memory than the
// native product.
struct WideProduct : torch::autograd::Function<WideProduct> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& w,
                            const std::optional<at::Tensor>& bias) {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({w.requires_grad() ? x : at::Tensor(), w});
    ctx->saved_data["bias"] = bias.has_value();
    const at::Tensor wide_MI = Widen(x);
    at::Tensor y_MO = at::empty({x.size(0), w.size(0)}, x.options());
    ForOutputs(w.size(0), [&](int64_t begin, int64_t part) {
      at::Tensor sums = at::mm(wide_MI, Widen(w.narrow(0, begin, part)).t());
      if (bias) sums.add_(Widen(bias->narrow(0, begin, part)));
      y_MO.narrow(1, begin, part).copy_(sums);
    });
    return y_MO;
  }
  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor& grad = grads[0];
    at::Tensor grad_x, grad_w, grad_bias;
    if (ctx->needs_input_grad(0)) grad_x = GradOfInput(grad, saved[1]);
    if (ctx->needs_input_grad(1)) {
      grad_w = at::mm(Widen(grad).t(), Widen(saved[0])).to(at::kBFloat16);
    }
    // An absent bias is no input to ask about.
    if (ctx->saved_data["bias"].toBool() && ctx->needs_input_grad(2)) {
      grad_bias = grad.sum(0, false, at::kFloat).to(at::kBFloat16);
    }
    return {grad_x, grad_w, grad_bias};
  }
};

// x [M, I] w [O, I] for many outputs, as a vocabulary has.
struct WideHeadProduct : torch::autograd::Function<WideHeadProduct> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& w) {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({x, w});
    return at::mm(x, w.t());
  }
  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    at::Tensor grad_x, grad_w;
    if (ctx->needs_input_grad(0)) grad_x = GradOfInput(grads[0], saved[1]);
    if (ctx->needs_input_grad(1)) grad_w = at::mm(grads[0].t(), saved[0]);
    return {grad_x, grad_w};
  }
};

at::Tensor RowsOf(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

// Whether autograd is to know of a product.
bool Records(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias) {
  return c10::GradMode::is_enabled() &&
         (x.requires_grad() || w.requires_grad() ||
          (bias.defined() && bias.requires_grad()));
}

// A dense map on its master weight: casts for the forward pass and again for
// the backward pass, so that no cast copy lives between them.
struct DenseProduct : torch::autograd::Function<DenseProduct> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& w_OI,
                            const std::optional<at::Tensor>& bias_O) {
    at::AutoDispatchBelowADInplaceOrView below;
    const at::ScalarType compute = x.scalar_type();
    ctx->saved_data["bias"] = bias_O.has_value();
    ctx->saved_data["x_sizes"] = x.sizes();
    ctx->save_for_backward(
        {w_OI.requires_grad() ? KeepInput(ctx, x) : at::Tensor(), w_OI});
    return LinearProduct(x, w_OI.to(compute),
                         bias_O ? bias_O->to(compute) : at::Tensor());
  }
  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor& w_OI = saved[1];
    const at::Tensor grad_MO = RowsOf(grads[0]);
    at::Tensor of_x, of_w, of_bias;
    if (ctx->needs_input_grad(0)) {
      of_x = InputGradient(grad_MO, w_OI.to(grad_MO.scalar_type()))
                 .view(ctx->saved_data["x_sizes"].toIntVector());
    }
    if (ctx->needs_input_grad(1)) {
      const at::Tensor x_MI = RowsOf(KeptInput(ctx, saved[0]));
      const bool widened = MultipliesWidened(grad_MO);
      of_w = kernels::MatrixProduct((widened ? Widen(grad_MO) : grad_MO).t(),
                                    widened ? Widen(x_MI) : x_MI)
                 .to(w_OI.scalar_type());
    }
    // An absent bias is no input to ask about.
    if (ctx->saved_data["bias"].toBool() && ctx->needs_input_grad(2)) {
      of_bias = grad_MO.sum(0, false, w_OI.scalar_type());
    }
    return {of_x, of_w, of_bias};
  }
};

}  // namespace

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kEmbedding:
      return "embed_tokens";
    case Role::kQuery:
      return "q_proj";
    case Role::kKey:
      return "k_proj";
    case Role::kValue:
      return "v_proj";
    case Role::kQkv:
      return "qkv_proj";
    case Role::kOutput:
      return "o_proj";
    case Role::kGate:
      return "gate_proj";
    case Role::kUp:
      return "up_proj";
    case Role::kGateUp:
      return "gate_up_proj";
    case Role::kDown:
      return "down_proj";
    case Role::kProjection:
      return "embed_proj";
    case Role::kPooler:
      return "pooler";
    case Role::kNorm:
      return "norm";
    case Role::kBias:
      return "bias";
    case Role::kHead:
      return "lm_head";
  }
  return "";
}

bool MultipliesWidened(const at::Tensor& x) {
  return x.scalar_type() == at::kBFloat16 && x.is_cpu() &&
         kernels::PlanHere({.bf16 = true}).by == kernels::ProductBy::kWidened;
}

at::Tensor InputGradient(const at::Tensor& grad_MO, const at::Tensor& w_OI) {
  const bool long_sum = grad_MO.is_cpu() &&
                        grad_MO.scalar_type() == at::kFloat &&
                        w_OI.size(0) > kSumPart;
  return long_sum || MultipliesWidened(grad_MO)
             ? GradOfInput(grad_MO, w_OI)
             : kernels::MatrixProduct(grad_MO, w_OI);
}

void AddWeightGradient(const at::Tensor& grad_MO, const at::Tensor& x_MI,
                       at::Tensor& sum_OI) {
  if (MultipliesWidened(grad_MO)) {
    const at::Tensor x = Widen(x_MI);
    ForOutputs(sum_OI.size(0), [&](int64_t begin, int64_t part) {
      const at::Tensor grad = Widen(grad_MO.narrow(1, begin, part));
      at::Tensor sum = sum_OI.narrow(0, begin, part);
      if (sum.scalar_type() == at::kFloat) {
        kernels::AddMatrixProduct(grad.t(), x, sum);
      } else {
        sum.add_(at::mm(grad.t(), x));
      }
    });
  } else if (grad_MO.scalar_type() == sum_OI.scalar_type()) {
    kernels::AddMatrixProduct(grad_MO.t(), x_MI, sum_OI);
  } else {
    // In small parts: when a head's gradient is made, a step holds most.
    ForOutputs(
        sum_OI.size(0),
        [&](int64_t begin, int64_t part) {
          sum_OI.narrow(0, begin, part)
              .add_(at::mm(grad_MO.narrow(1, begin, part).t(), x_MI));
        },
        kGradientPart);
  }
}

at::Tensor LinearProduct(const at::Tensor& x, const at::Tensor& w_OI,
                         const at::Tensor& bias_O) {
  const std::optional<at::Tensor> bias =
      bias_O.defined() ? std::make_optional(bias_O) : std::nullopt;
  if (!MultipliesWidened(x)) {
    const bool long_sum = x.is_cpu() && x.scalar_type() == at::kFloat &&
                          x.dim() == 2 && !bias && w_OI.size(0) > kSumPart;
    if (long_sum) return WideHeadProduct::apply(x, w_OI);
    const at::Tensor x_MI = RowsOf(x);
    if (Records(x, w_OI, bias_O) || !kernels::IsTiledProduct(x_MI, w_OI.t())) {
      return at::linear(x, w_OI, bias);
    }
    at::Tensor y_MO = kernels::MatrixProduct(x_MI, w_OI.t());
    if (bias) y_MO.add_(*bias);
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = w_OI.size(0);
    return y_MO.view(shape);
  }
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = w_OI.size(0);
  return WideProduct::apply(x.reshape({-1, x.size(-1)}), w_OI, bias)
      .reshape(shape);
}

DenseLinear::DenseLinear(at::Tensor weight_OI, at::Tensor bias_O,
                         at::ScalarType compute)
    : weight_OI_(std::move(weight_OI)),
      bias_O_(std::move(bias_O)),
      compute_(compute) {
  TORCH_CHECK(weight_OI_.dim() == 2, "a linear map wants a matrix, got ",
              weight_OI_.sizes());
}

at::Tensor DenseLinear::ComputeWeight() {
  if (weight_OI_.scalar_type() == compute_) return weight_OI_;
  if (!cast_OI_.defined() || cast_version_ != weight_OI_._version()) {
    cast_OI_ = weight_OI_.detach().to(compute_);
    cast_version_ = weight_OI_._version();
  }
  return cast_OI_;
}

at::Tensor DenseLinear::Forward(const at::Tensor& x, const PassState& pass) {
  if (c10::GradMode::is_enabled()) laid_out_.Drop();
  // Nothing to cast, nothing to train: the plain product keeps no input. In f32
  // it would not be the one that a pass without a gradient makes.
  if (c10::GradMode::is_enabled() &&
      (weight_OI_.scalar_type() != compute_ || weight_OI_.requires_grad() ||
       compute_ == at::kFloat)) {
    cast_OI_.reset();
    return DenseProduct::apply(
        x, weight_OI_,
        bias_O_.defined() ? std::make_optional(bias_O_) : std::nullopt);
  }
  const at::Tensor bias_O =
      bias_O_.defined() ? bias_O_.to(compute_) : at::Tensor();
  // Not in a training pass without a gradient (a checkpointed block's first):
  // it is made again with one, and must round alike.
  if (c10::GradMode::is_enabled() || pass.training) {
    return LinearProduct(x, ComputeWeight(), bias_O);
  }
  // Few rows share the plain cast with the steps of decoding.
  return LaidOutWeight::Serves(x) ? laid_out_.Product(x, weight_OI_, bias_O)
                                  : ReadingProduct(x, ComputeWeight(), bias_O);
}

bool DenseLinear::MapRows(const float* x_MI, int64_t rows, float* y_MO) {
  if (!weight_OI_.is_cpu() || compute_ == at::kDouble) return false;
  const at::Tensor w_OI = ComputeWeight();
  if (!w_OI.is_contiguous()) return false;
  kernels::RowResult result;
  result.to_bf16 = compute_ == at::kBFloat16;
  at::Tensor bias_O;
  if (bias_O_.defined()) {
    bias_O = bias_O_.detach().to(compute_).to(at::kFloat).contiguous();
    result.bias_O = bias_O.const_data_ptr<float>();
  }
  kernels::WithElements(w_OI, [&](auto element) {
    using T = decltype(element);
    kernels::MultiplyRows<T>(kernels::Raw<T>(w_OI), x_MI, rows, w_OI.size(1),
                             w_OI.size(0), result, y_MO);
  });
  return true;
}

at::Tensor DenseLinear::DenseWeight() const {
  return weight_OI_.detach().to(compute_ == at::kDouble ? at::kDouble
                                                        : at::kFloat);
}

std::vector<MatrixShape> DenseLinear::Matrices() const {
  return {{weight_OI_.size(1), weight_OI_.size(0), weight_OI_.requires_grad()}};
}

std::vector<NamedTensor> DenseLinear::Tensors() const {
  std::vector<NamedTensor> out = {{"weight", weight_OI_}};
  if (bias_O_.defined()) out.push_back({"bias", bias_O_});
  return out;
}

std::vector<std::pair<std::string, int64_t>> DenseLinear::BytesByCategory()
    const {
  int64_t bytes = static_cast<int64_t>(weight_OI_.nbytes());
  if (bias_O_.defined()) bytes += static_cast<int64_t>(bias_O_.nbytes());
  return {{"weights", bytes}};
}

void DenseLinear::FreezeInComputeDtype() {
  weight_OI_ = weight_OI_.detach().to(compute_);
  cast_OI_.reset();
  laid_out_.Drop();
  if (bias_O_.defined()) bias_O_ = bias_O_.detach().to(compute_);
}

}  // namespace sft::model
