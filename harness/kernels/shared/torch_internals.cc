#include "harness/kernels/shared/torch_internals.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Scalar.h>

#include <tuple>

namespace sft::kernels {
namespace {

struct OneDnn {
  std::optional<c10::OperatorHandle> product, layout;
};
const OneDnn& Operators() {
  static const OneDnn found = [] {
    c10::Dispatcher& all = c10::Dispatcher::singleton();
    return OneDnn{all.findSchema({"mkldnn::_linear_pointwise", ""}),
                  all.findSchema({"mkldnn::_reorder_linear_weight", ""})};
  }();
  return found;
}

struct Rider : c10::BackendMeta {
  explicit Rider(TensorRider f) : function(std::move(f)) {}
  TensorRider function;
};

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

// Of a window that ends with the token itself; none where there is no window.
std::optional<int64_t> LeftOf(int64_t window) {
  return window > 0 ? std::optional(window - 1) : std::nullopt;
}
std::optional<int64_t> RightOf(int64_t window) {
  return window > 0 ? std::optional<int64_t>(0) : std::nullopt;
}

// sdp::CustomMaskType of the memory-efficient kernels.
int64_t MaskOf(bool causal) {
  constexpr int64_t kCausalFromTopLeft = 1;
  return causal ? kCausalFromTopLeft : 0;
}

}  // namespace

bool HasOneDnnProduct() { return Operators().product.has_value(); }
bool HasOneDnnLayout() { return Operators().layout.has_value(); }

at::Tensor OneDnnProduct(const at::Tensor& x, const at::Tensor& w_OI,
                         const at::Tensor& bias_O) {
  torch::jit::Stack stack = {
      x.detach(),
      w_OI.detach(),
      bias_O.defined() ? c10::IValue(bias_O.detach()) : c10::IValue(),
      "none",
      c10::List<std::optional<at::Scalar>>(),
      c10::IValue("")};
  Operators().product->callBoxed(stack);
  return stack.back().toTensor();
}

at::Tensor OneDnnLayout(const at::Tensor& w_OI, int64_t rows) {
  torch::jit::Stack stack = {w_OI.detach(), rows};
  Operators().layout->callBoxed(stack);
  return stack.back().toTensor();
}

void SetRider(const at::Tensor& x, TensorRider rider) {
  x.unsafeGetTensorImpl()->set_backend_meta(
      c10::make_intrusive<Rider>(std::move(rider)));
}

const TensorRider* RiderOf(const at::Tensor& x) {
  const auto* rider =
      dynamic_cast<Rider*>(x.unsafeGetTensorImpl()->get_backend_meta());
  return rider != nullptr ? &rider->function : nullptr;
}

AttentionResult FlashForward(const AttentionOperands& of) {
  const auto [out, lse, seed, offset, mask] = at::_flash_attention_forward(
      of.q, of.k, of.v, of.cu_seqlens, of.cu_seqlens, of.longest, of.longest,
      /*dropout_p=*/0.0, of.causal, /*return_debug_mask=*/false, of.scale,
      LeftOf(of.window), RightOf(of.window));
  return {out, lse, seed, offset};
}

AttentionGradients FlashBackward(const AttentionOperands& of,
                                 const AttentionResult& made,
                                 const at::Tensor& grad) {
  const FixedOrder fixed;
  // Whole rows have no cu_seqlens: an undefined tensor.
  const at::Tensor cu_seqlens = of.cu_seqlens.value_or(at::Tensor());
  const auto [q, k, v] = at::_flash_attention_backward(
      grad.contiguous(), of.q, of.k, of.v, made.out, made.lse, cu_seqlens,
      cu_seqlens, of.longest, of.longest, /*dropout_p=*/0.0, of.causal,
      made.seed, made.offset, of.scale, LeftOf(of.window), RightOf(of.window));
  return {q, k, v};
}

AttentionResult EfficientForward(const AttentionOperands& of) {
  const auto most = of.cu_seqlens ? std::optional(of.longest) : std::nullopt;
  const auto made = at::_efficient_attention_forward(
      of.q, of.k, of.v, /*bias=*/std::nullopt, of.cu_seqlens, of.cu_seqlens,
      most, most, /*dropout_p=*/0.0, MaskOf(of.causal),
      /*compute_log_sumexp=*/true, of.scale);
  return {std::get<0>(made), std::get<1>(made), std::get<2>(made),
          std::get<3>(made)};
}

AttentionGradients EfficientBackward(const AttentionOperands& of,
                                     const AttentionResult& made,
                                     const at::Tensor& grad) {
  const FixedOrder fixed;
  const auto gradients = at::_efficient_attention_backward(
      grad.contiguous(), of.q, of.k, of.v, /*bias=*/std::nullopt, made.out,
      of.cu_seqlens, of.cu_seqlens, of.longest, of.longest, made.lse,
      /*dropout_p=*/0.0, made.seed, made.offset, MaskOf(of.causal),
      /*bias_requires_grad=*/false, of.scale);
  return {std::get<0>(gradients), std::get<1>(gradients),
          std::get<2>(gradients)};
}

}  // namespace sft::kernels
