#include "harness/model/reading_product.h"

#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Scalar.h>

#include <optional>

#include "harness/model/linear_product.h"

namespace sft {
namespace {

// LibTorch multiplies f32 by MKL and keeps oneDNN's product for its compiler,
// as these operators; absent where it was built without.
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

// Rows from which on it is the faster one.
constexpr int64_t kLeastRows = 128;

bool Fits(const at::Tensor& x, const at::Tensor& w_OI) {
  return Operators().product && x.is_cpu() && x.is_contiguous() &&
         w_OI.is_contiguous() && x.numel() >= kLeastRows * x.size(-1);
}

at::Tensor Product(const at::Tensor& x, const at::Tensor& w_OI,
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

at::Tensor LaidOut(const at::Tensor& w_OI, int64_t rows) {
  torch::jit::Stack stack = {w_OI.detach(), rows};
  Operators().layout->callBoxed(stack);
  return stack.back().toTensor();
}

}  // namespace

at::Tensor ReadingProduct(const at::Tensor& x, const at::Tensor& w_OI,
                          const at::Tensor& bias_O) {
  const bool f32 =
      x.scalar_type() == at::kFloat && w_OI.scalar_type() == at::kFloat;
  return f32 && Fits(x, w_OI) ? Product(x, w_OI, bias_O)
                              : LinearProduct(x, w_OI, bias_O);
}

bool LaidOutWeight::MadeOf(const at::Tensor& w_OI) const {
  return made_ && made_->offset == w_OI.storage_offset() &&
         made_->size == w_OI.numel() && made_->version == w_OI._version() &&
         made_->storage == w_OI.storage().getWeakStorageImpl();
}

at::Tensor LaidOutWeight::Product(const at::Tensor& x, const at::Tensor& w_OI,
                                  const at::Tensor& bias_O) {
  const at::ScalarType dtype = x.scalar_type();
  const bool narrow = dtype == at::kBFloat16 && !MultipliesWidened(x);
  if (!Operators().layout || !Fits(x, w_OI) ||
      !(narrow || dtype == at::kFloat)) {
    return ReadingProduct(x, w_OI.to(dtype), bias_O);
  }
  if (!MadeOf(w_OI) || made_->w_OI.scalar_type() != dtype) {
    made_.reset();  // before the next one is made
    made_ = Made{LaidOut(w_OI.to(dtype), x.numel() / x.size(-1)),
                 w_OI.storage().getWeakStorageImpl(), w_OI.storage_offset(),
                 w_OI.numel(), w_OI._version()};
  }
  return sft::Product(x, made_->w_OI, bias_O);
}

}  // namespace sft
