#include "methods/lora_linear.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "harness/core/rng.h"
#include "harness/kernels/product/gemv.h"
#include "harness/kernels/shared/raw_tensor.h"
#include "harness/model/ops/linear_product.h"
#include "harness/model/ops/remake.h"
#include "methods/adapter_targets.h"

namespace sft::methods {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor Rows(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

// a [M, K] times b [K, N].
at::Tensor Product(const at::Tensor& a, const at::Tensor& b) {
  return model::LinearProduct(a, b.t(), {});
}

// y + s (x A^T) B^T, written over y, which no base map saves. Keeps x itself
// or its recipe, no copy, and the low-rank product.
struct LowRankTerm : torch::autograd::Function<LowRankTerm> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& y,
                            const at::Tensor& x, const at::Tensor& a_RI,
                            const at::Tensor& b_OR, double scale) {
    at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor a = a_RI.to(x.scalar_type());
    const at::Tensor b = b_OR.to(x.scalar_type());
    const at::Tensor low_MR = model::LinearProduct(Rows(x), a, {});
    const at::Tensor sum = y.detach();
    at::Tensor rows_MO = sum.view({-1, y.size(-1)});
    if (model::MultipliesWidened(x)) {
      rows_MO.add_(model::LinearProduct(low_MR, b, {}), scale);
    } else {
      rows_MO.addmm_(low_MR, b.t(), /*beta=*/1, scale);
    }
    ctx->save_for_backward({model::KeepInput(ctx, x), a_RI, b_OR, low_MR});
    ctx->saved_data["x_sizes"] = x.sizes();
    ctx->saved_data["scale"] = scale;
    return sum;
  }

  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor& low_MR = saved[3];
    const at::ScalarType compute = low_MR.scalar_type();
    const double scale = ctx->saved_data["scale"].toDouble();
    const at::Tensor grad_MO = Rows(grads[0]);
    const at::Tensor b_OR = saved[2].to(compute);
    const at::Tensor of_low_MR = Product(grad_MO, b_OR).mul_(scale);
    at::Tensor of_x, of_a, of_b;
    if (ctx->needs_input_grad(1)) {
      of_x = Product(of_low_MR, saved[1].to(compute))
                 .view(ctx->saved_data["x_sizes"].toIntVector());
    }
    if (ctx->needs_input_grad(2)) {
      of_a = Product(of_low_MR.t(), Rows(model::KeptInput(ctx, saved[0])))
                 .to(saved[1].scalar_type());
    }
    if (ctx->needs_input_grad(3)) {
      of_b =
          Product(grad_MO.t(), low_MR).to(saved[2].scalar_type()).mul_(scale);
    }
    return {grads[0], of_x, of_a, of_b, at::Tensor()};
  }
};

}  // namespace

LoraLinear::LoraLinear(std::unique_ptr<model::LinearMap> base,
                       LoraFactors factors, at::ScalarType compute,
                       double dropout, uint64_t slot_index)
    : base_(std::move(base)),
      factors_(std::move(factors)),
      compute_(compute),
      dropout_(dropout),
      slot_index_(slot_index) {
  TORCH_CHECK(factors_.a_RI.size(0) == factors_.b_OR.size(1), "A ",
              factors_.a_RI.sizes(), " and B ", factors_.b_OR.sizes(),
              " have no rank in common");
}

void LoraLinear::Freeze() {
  for (at::Tensor* t :
       {&factors_.a_RI, &factors_.b_OR, &factors_.magnitude_O}) {
    if (t->defined()) t->requires_grad_(false);
  }
  dropout_ = 0;
}

// The mask follows from the micro-batch's seed and the slot alone, so that a
// forward pass recomputed for the backward pass drops the same inputs. It is
// drawn on the CPU, the same on every device.
at::Tensor LoraLinear::DropInput(const at::Tensor& x,
                                 const model::PassState& pass) const {
  if (dropout_ <= 0 || !pass.training) return x;
  at::Generator generator = at::detail::createCPUGenerator(
      SplitMix64(pass.dropout_seed ^ SplitMix64(slot_index_ + 1)));
  const double keep = 1 - dropout_;
  at::Tensor mask = at::empty(x.sizes(), at::TensorOptions(at::kFloat));
  mask.uniform_(0, 1, generator);
  return x * mask.lt(keep).to(x.options()).div_(keep);
}

at::Tensor LoraLinear::Forward(const at::Tensor& x,
                               const model::PassState& pass) {
  const at::Tensor y = base_->Forward(x, pass);
  if (!factors_.magnitude_O.defined()) {
    return LowRankTerm::apply(y, DropInput(x, pass), factors_.a_RI,
                              factors_.b_OR, factors_.scale);
  }
  const at::Tensor low = model::LinearProduct(
      model::LinearProduct(DropInput(x, pass), factors_.a_RI.to(compute_), {}),
      factors_.b_OR.to(compute_), {});
  at::Tensor norm_O;
  {
    at::NoGradGuard no_grad;
    norm_O = RowNorms(Direction_OI());
  }
  const at::Tensor share_O = (factors_.magnitude_O / norm_O).to(compute_);
  const at::Tensor bias = Bias();
  if (!bias.defined()) return share_O * (y + low * factors_.scale);
  const at::Tensor bias_O = bias.to(compute_);
  return share_O * (y - bias_O + low * factors_.scale) + bias_O;
}

bool LoraLinear::MapRows(const float* x_MI, int64_t rows, float* y_MO) {
  if (factors_.magnitude_O.defined() || !base_->MapRows(x_MI, rows, y_MO)) {
    return false;
  }
  const at::Tensor a_RI = factors_.a_RI.detach().to(compute_).contiguous();
  const at::Tensor b_OR = factors_.b_OR.detach().to(compute_).contiguous();
  const int64_t rank = a_RI.size(0);
  std::vector<float> low_MR(static_cast<size_t>(rows * rank));
  kernels::RowResult result;
  result.to_bf16 = compute_ == at::kBFloat16;
  kernels::WithElements(a_RI, [&](auto element) {
    using T = decltype(element);
    kernels::MultiplyRows<T>(kernels::Raw<T>(a_RI), x_MI, rows, a_RI.size(1),
                             rank, result, low_MR.data());
    result.add_scale = static_cast<float>(factors_.scale);
    kernels::MultiplyRows<T>(kernels::Raw<T>(b_OR), low_MR.data(), rows, rank,
                             b_OR.size(0), result, y_MO);
  });
  return true;
}

at::Tensor LoraLinear::Direction_OI() const {
  const at::Tensor a_RI = factors_.a_RI.detach();
  const at::Tensor b_OR = factors_.b_OR.detach();
  return base_->DenseWeight() + at::mm(b_OR, a_RI) * factors_.scale;
}

at::Tensor LoraLinear::DenseWeight() const {
  at::NoGradGuard no_grad;
  const at::Tensor w_OI = Direction_OI();
  if (!factors_.magnitude_O.defined()) return w_OI;
  return w_OI * (factors_.magnitude_O.detach() / RowNorms(w_OI)).unsqueeze(1);
}

at::Tensor LoraLinear::Bias() const { return BiasOf(*base_); }

std::vector<model::MatrixShape> LoraLinear::Matrices() const {
  std::vector<model::MatrixShape> out = base_->Matrices();
  for (const at::Tensor& factor : {factors_.a_RI, factors_.b_OR}) {
    out.push_back({factor.size(1), factor.size(0), factor.requires_grad()});
  }
  return out;
}

std::vector<NamedTensor> LoraLinear::Tensors() const {
  std::vector<NamedTensor> out = base_->Tensors();
  out.push_back({label_ + "lora_A.weight", factors_.a_RI});
  out.push_back({label_ + "lora_B.weight", factors_.b_OR});
  if (factors_.magnitude_O.defined()) {
    out.push_back({label_ + "lora_magnitude_vector", factors_.magnitude_O});
  }
  return out;
}

std::vector<std::pair<std::string, int64_t>> LoraLinear::BytesByCategory()
    const {
  auto out = base_->BytesByCategory();
  size_t bytes = factors_.a_RI.nbytes() + factors_.b_OR.nbytes();
  if (factors_.magnitude_O.defined()) bytes += factors_.magnitude_O.nbytes();
  out.emplace_back("adapters", static_cast<int64_t>(bytes));
  return out;
}

LoraFactors PissaFactors(const at::Tensor& weight_OI, int64_t rank,
                         double scale) {
  at::NoGradGuard no_grad;
  const auto [u, s, vh] = at::linalg_svd(weight_OI.detach(), false);
  // sqrt(S / s) on each side, so that s B A gives U S V^T back.
  const at::Tensor root = (s.slice(0, 0, rank) / scale).sqrt();
  LoraFactors factors;
  factors.a_RI = (root.unsqueeze(1) * vh.slice(0, 0, rank)).contiguous();
  factors.b_OR = (u.slice(1, 0, rank) * root).contiguous();
  factors.scale = scale;
  return factors;
}

at::Tensor RowNorms(const at::Tensor& weight_OI) {
  return at::norm(weight_OI, 2, {1});
}

}  // namespace sft::methods
