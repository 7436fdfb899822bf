#include "methods/qlora.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <optional>

#include "harness/kernels/product/gemv.h"
#include "harness/model/ops/dense_linear.h"
#include "harness/model/ops/linear_product.h"
#include "methods/adapter_targets.h"

namespace sft::methods {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor SavedTensor(AutogradContext* ctx, const char* name) {
  return ctx->saved_data[name].toTensor();
}

// x [M, I] times dequant(W4) [O, I] transposed. The graph keeps the codes.
struct Nf4Product : torch::autograd::Function<Nf4Product> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x,
                            const kernels::Nf4Tensor& w,
                            const std::optional<at::Tensor>& bias_O) {
    ctx->saved_data["shape"] = w.shape;
    ctx->saved_data["codes"] = w.codes;
    ctx->saved_data["double"] = w.double_quantized();
    if (w.double_quantized()) {
      ctx->saved_data["absmax_codes"] = w.absmax_codes;
      ctx->saved_data["absmax2"] = w.absmax2;
      ctx->saved_data["offset"] = w.offset;
    } else {
      ctx->saved_data["absmax"] = w.absmax;
    }
    return model::LinearProduct(x, kernels::DequantizeNf4(w, x.scalar_type()),
                                bias_O.value_or(at::Tensor()));
  }

  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    kernels::Nf4Tensor w;
    w.shape = ctx->saved_data["shape"].toIntVector();
    w.codes = SavedTensor(ctx, "codes");
    if (ctx->saved_data["double"].toBool()) {
      w.absmax_codes = SavedTensor(ctx, "absmax_codes");
      w.absmax2 = SavedTensor(ctx, "absmax2");
      w.offset = SavedTensor(ctx, "offset");
    } else {
      w.absmax = SavedTensor(ctx, "absmax");
    }
    const at::Tensor& grad = grads[0];
    return {model::LinearProduct(
                grad, kernels::DequantizeNf4(w, grad.scalar_type()).t(), {}),
            at::Tensor(), at::Tensor()};
  }
};

double SquaredNorm(const at::Tensor& t) {
  // In place, but never on `t` itself.
  return t.to(at::kDouble, /*non_blocking=*/false, /*copy=*/true)
      .square_()
      .sum()
      .item<double>();
}

}  // namespace

Nf4Linear::Nf4Linear(kernels::Nf4Tensor weight, at::Tensor bias_O,
                     at::ScalarType compute)
    : weight_(std::move(weight)), compute_(compute) {
  if (bias_O.defined()) bias_O_ = bias_O.detach().to(compute);
}

at::Tensor Nf4Linear::Forward(const at::Tensor& x, const model::PassState&) {
  // A token decoded alone: a dense copy would be read once and thrown away.
  if (!c10::GradMode::is_enabled() && kernels::HasNf4RowProduct(x, weight_)) {
    const at::Tensor y = kernels::Nf4RowProduct(x, weight_);
    return bias_O_.defined() ? y.add(bias_O_) : y;
  }
  // An undefined tensor is no argument that apply() takes.
  const std::optional<at::Tensor> bias_O =
      bias_O_.defined() ? std::make_optional(bias_O_) : std::nullopt;
  return Nf4Product::apply(x, weight_, bias_O);
}

bool Nf4Linear::MapRows(const float* x_MI, int64_t rows, float* y_MO) {
  const int64_t in_features = weight_.shape[1];
  if (!weight_.codes.is_cpu() || compute_ == at::kDouble ||
      in_features % kernels::kNf4BlockSize != 0) {
    return false;
  }
  kernels::Nf4Rows w;
  w.codes = weight_.codes.const_data_ptr<uint8_t>();
  if (weight_.double_quantized()) {
    w.absmax_codes = weight_.absmax_codes.const_data_ptr<uint8_t>();
    w.absmax2 = weight_.absmax2.const_data_ptr<float>();
    w.offset = weight_.offset.item<float>();
  } else {
    w.absmax = weight_.absmax.const_data_ptr<float>();
  }
  w.weight_to_bf16 = compute_ == at::kBFloat16;
  kernels::RowResult result;
  result.to_bf16 = compute_ == at::kBFloat16;
  at::Tensor bias_O;
  if (bias_O_.defined()) {
    bias_O = bias_O_.to(at::kFloat).contiguous();
    result.bias_O = bias_O.const_data_ptr<float>();
  }
  kernels::MultiplyRowsNf4(w, x_MI, rows, in_features, weight_.shape[0], result,
                           y_MO);
  return true;
}

at::Tensor Nf4Linear::DenseWeight() const {
  return kernels::DequantizeNf4(
      weight_, compute_ == at::kDouble ? at::kDouble : at::kFloat);
}

std::vector<model::MatrixShape> Nf4Linear::Matrices() const {
  return {{weight_.shape[1], weight_.shape[0], /*trains=*/false}};
}

std::vector<NamedTensor> Nf4Linear::Tensors() const {
  std::vector<NamedTensor> out = {{"weight.codes", weight_.codes}};
  const auto add = [&out](const char* name, const at::Tensor& t) {
    if (t.defined()) out.push_back({name, t});
  };
  add("weight.absmax", weight_.absmax);
  add("weight.absmax_codes", weight_.absmax_codes);
  add("weight.absmax2", weight_.absmax2);
  add("weight.offset", weight_.offset);
  add("bias", bias_O_);
  return out;
}

std::vector<std::pair<std::string, int64_t>> Nf4Linear::BytesByCategory()
    const {
  std::vector<std::pair<std::string, int64_t>> out = {
      {"quantized_weights", weight_.code_bytes()},
      {"quantization_constants", weight_.constant_bytes()}};
  if (bias_O_.defined()) {
    out.emplace_back("weights", static_cast<int64_t>(bias_O_.nbytes()));
  }
  return out;
}

QloraMethod::QloraMethod(const QloraOptions& options, int64_t seed)
    : LoraMethod(options, seed), double_quant_(options.double_quant) {}

std::unique_ptr<model::LinearMap> QloraMethod::FreezeBase(
    const model::LinearSlot&, std::unique_ptr<model::LinearMap> dense) {
  const auto& linear = static_cast<const model::DenseLinear&>(*dense);
  const at::Tensor weight_OI = linear.DenseWeight();
  auto map = std::make_unique<Nf4Linear>(
      kernels::QuantizeNf4(weight_OI, double_quant_), BiasOf(linear),
      linear.compute_dtype());
  const double numel = static_cast<double>(weight_OI.numel());
  bits_ += map->weight().bits_per_weight() * numel;
  weights_ += numel;
  if (weight_OI.is_meta()) return map;  // of an outline: sizes, no values
  const double error = SquaredNorm(map->DenseWeight().sub_(weight_OI));
  weight_square_ += SquaredNorm(weight_OI);
  quantization_square_ += error;
  base_error_square_.emplace_back(map.get(), error);
  return map;
}

void QloraMethod::BeforeMerge(const LoraLinear& map) {
  const at::Tensor trained_OI = map.DenseWeight();
  merged_square_ += SquaredNorm(trained_OI);
  rounding_square_ += SquaredNorm(
      trained_OI.to(at::kBFloat16).to(trained_OI.dtype()) - trained_OI);
  // (W16 + BA) - (dequant(W4) + BA) = W16 - dequant(W4), whatever BA is.
  const model::LinearMap* innermost = &map.base();
  while (const auto* lower = dynamic_cast<const LoraLinear*>(innermost)) {
    innermost = &lower->base();
  }
  for (const auto& [base, error] : base_error_square_) {
    if (base == innermost) w16_error_square_ += error;
  }
}

train::MethodReport QloraMethod::Report() {
  train::MethodReport report = LoraMethod::Report();
  const auto ratio = [](double part, double whole) {
    return whole > 0 ? std::sqrt(part / whole) : 0.0;
  };
  if (weights_ > 0) {
    report.numbers["qlora.bits_per_weight"] = bits_ / weights_;
    report.numbers["qlora.quantized_weights"] = weights_;
    report.numbers["qlora.quantization_error"] =
        ratio(quantization_square_, weight_square_);
  }
  if (merged_square_ > 0) {
    report.numbers["qlora.merge_error_w16"] =
        ratio(w16_error_square_, merged_square_);
    report.numbers["qlora.merge_error_dequant"] =
        ratio(rounding_square_, merged_square_);
  }
  return report;
}

}  // namespace sft::methods
