// LinearProduct() where no gradient is recorded.
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Scalar.h>

#include <optional>

#include "harness/model/linear_product.h"

namespace sft {
namespace {

// LibTorch multiplies f32 by MKL and keeps oneDNN's product for its compiler,
// as an operator of this name; absent where it was built without.
const std::optional<c10::OperatorHandle>& OneDnnLinear() {
  static const std::optional<c10::OperatorHandle> found =
      c10::Dispatcher::singleton().findSchema(
          {"mkldnn::_linear_pointwise", ""});
  return found;
}

// Rows from which on it is the faster one: it lays out the weight anew for
// every product.
constexpr int64_t kLeastRows = 128;

}  // namespace

at::Tensor ReadingProduct(const at::Tensor& x, const at::Tensor& w_OI,
                          const at::Tensor& bias_O) {
  const bool fits = x.is_cpu() && x.scalar_type() == at::kFloat &&
                    w_OI.scalar_type() == at::kFloat && x.is_contiguous() &&
                    w_OI.is_contiguous() &&
                    x.numel() >= kLeastRows * x.size(-1);
  if (!fits || !OneDnnLinear()) return LinearProduct(x, w_OI, bias_O);
  torch::jit::Stack stack = {
      x.detach(),
      w_OI.detach(),
      bias_O.defined() ? c10::IValue(bias_O.detach()) : c10::IValue(),
      "none",
      c10::List<std::optional<at::Scalar>>(),
      c10::IValue("")};
  OneDnnLinear()->callBoxed(stack);
  return stack.back().toTensor();
}

}  // namespace sft
