#include "harness/model/ops/reading_product.h"

#include <ATen/ATen.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Scalar.h>

#include <optional>
#include <vector>

#include "harness/kernels/product/tile_product.h"
#include "harness/kernels/shared/processor.h"
#include "harness/model/ops/linear_product.h"

namespace sft::model {
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
// Rows that read a weight as it lies in about the time in which it is laid out
// in memory never touched before.
constexpr int64_t kRowsOfLayout = 1024;

int64_t RowsOf(const at::Tensor& x) { return x.numel() / x.size(-1); }

bool Fits(const at::Tensor& x) {
  return x.is_cpu() && x.is_contiguous() && RowsOf(x) >= kLeastRows;
}

bool IsTiled(const at::Tensor& x) {
  return x.scalar_type() == at::kFloat && kernels::HasWideTiles();
}

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

at::Tensor LaidOut(const at::Tensor& w_OI, int64_t rows) {
  torch::jit::Stack stack = {w_OI.detach(), rows};
  Operators().layout->callBoxed(stack);
  return stack.back().toTensor();
}

// w_OI as the tiles' b [I, O].
kernels::TileMatrix Columns(const at::Tensor& w_OI) {
  return {w_OI.const_data_ptr<float>(), w_OI.size(1), /*transposed=*/true};
}

at::Tensor Packed(const at::Tensor& w_OI) {
  const int64_t O = w_OI.size(0), I = w_OI.size(1);
  at::Tensor packed = at::empty({kernels::PackedSize(O, I)}, w_OI.options());
  kernels::PackTiles(O, I, Columns(w_OI), packed.mutable_data_ptr<float>());
  return packed;
}

// x times the weight of O rows: laid out, or else as it lies in w_OI.
at::Tensor TiledProduct(const at::Tensor& x, const at::Tensor& packed,
                        const at::Tensor& w_OI, const at::Tensor& bias_O) {
  const int64_t M = RowsOf(x), I = x.size(-1), O = w_OI.size(0);
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = O;
  at::Tensor y = at::empty(shape, x.options());
  const float* from = x.const_data_ptr<float>();
  float* to = y.mutable_data_ptr<float>();
  if (packed.defined()) {
    kernels::PackedProduct(M, O, I, from, packed.const_data_ptr<float>(), to);
  } else {
    kernels::MatrixProduct(M, O, I, {from, I}, Columns(w_OI), /*add=*/false,
                           to);
  }
  return bias_O.defined() ? y.add_(bias_O) : y;
}

}  // namespace

at::Tensor ReadingProduct(const at::Tensor& x, const at::Tensor& w_OI,
                          const at::Tensor& bias_O) {
  // Intel's MKL is faster still than oneDNN (155 against 140 GFLOP/s).
  const bool f32 = x.scalar_type() == at::kFloat &&
                   w_OI.scalar_type() == at::kFloat && w_OI.is_contiguous() &&
                   !kernels::IsIntelProcessor();
  return f32 && Operators().product && Fits(x) ? OneDnnProduct(x, w_OI, bias_O)
                                               : LinearProduct(x, w_OI, bias_O);
}

bool LaidOutWeight::MadeOf(const at::Tensor& w_OI) const {
  return made_ && made_->offset == w_OI.storage_offset() &&
         made_->size == w_OI.numel() && made_->version == w_OI._version() &&
         made_->storage == w_OI.storage().getWeakStorageImpl();
}

bool LaidOutWeight::Serves(const at::Tensor& x) {
  if (!Fits(x)) return false;
  if (IsTiled(x)) return true;
  // oneDNN's f32 product of a weight as it lies makes the same bits as soon.
  return x.scalar_type() == at::kBFloat16 && !MultipliesWidened(x) &&
         Operators().product && Operators().layout;
}

at::Tensor LaidOutWeight::Product(const at::Tensor& x, const at::Tensor& w_OI,
                                  const at::Tensor& bias_O) {
  const at::ScalarType dtype = x.scalar_type();
  if (!Serves(x)) return ReadingProduct(x, w_OI.to(dtype), bias_O);
  const bool tiled = IsTiled(x);
  if (!MadeOf(w_OI) || made_->dtype != dtype) {
    made_.reset();  // before the next one is made
    const at::Tensor w = w_OI.detach().to(dtype).contiguous();
    if (tiled && rows_ < kRowsOfLayout) {
      rows_ += RowsOf(x);
      return TiledProduct(x, /*packed=*/{}, w, bias_O);
    }
    made_ = Made{tiled ? Packed(w) : LaidOut(w, RowsOf(x)),
                 dtype,
                 w_OI.storage().getWeakStorageImpl(),
                 w_OI.storage_offset(),
                 w_OI.numel(),
                 w_OI._version()};
  }
  return tiled ? TiledProduct(x, made_->w, w_OI, bias_O)
               : OneDnnProduct(x, made_->w, bias_O);
}

void LaidOutWeight::Drop() {
  made_.reset();
  rows_ = 0;
}

}  // namespace sft::model
