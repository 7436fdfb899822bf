#include "harness/model/ops/reading_product.h"

#include <ATen/ATen.h>

#include <vector>

#include "harness/kernels/product/tile_product.h"
#include "harness/kernels/shared/processor_policy.h"
#include "harness/kernels/shared/torch_internals.h"
#include "harness/model/ops/linear_product.h"

namespace sft::model {
namespace {

// Rows that read a weight as it lies in about the time in which it is laid out
// in memory never touched before.
constexpr int64_t kRowsOfLayout = 1024;

int64_t CountRows(const at::Tensor& x) { return x.numel() / x.size(-1); }

// What makes the product of x with a weight that has been laid out for it.
kernels::ProductBy KeptProduct(const at::Tensor& x) {
  return kernels::PlanHere({.use = kernels::ProductUse::kKept,
                            .bf16 = x.scalar_type() == at::kBFloat16,
                            .rows = CountRows(x)})
      .by;
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
  const int64_t M = CountRows(x), I = x.size(-1), O = w_OI.size(0);
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
  const bool f32 = x.is_cpu() && x.scalar_type() == at::kFloat &&
                   w_OI.scalar_type() == at::kFloat;
  const bool one_dnn = f32 && x.is_contiguous() && w_OI.is_contiguous() &&
                       kernels::HasOneDnnProduct() &&
                       kernels::PlanHere({.use = kernels::ProductUse::kReading,
                                          .rows = CountRows(x)})
                               .by == kernels::ProductBy::kOneDnn;
  return one_dnn ? kernels::OneDnnProduct(x, w_OI, bias_O)
                 : LinearProduct(x, w_OI, bias_O);
}

bool LaidOutWeight::MadeOf(const at::Tensor& w_OI) const {
  return made_ && made_->offset == w_OI.storage_offset() &&
         made_->size == w_OI.numel() && made_->version == w_OI._version() &&
         made_->storage == w_OI.storage().getWeakStorageImpl();
}

bool LaidOutWeight::Serves(const at::Tensor& x) {
  if (!x.is_cpu() || !x.is_contiguous()) return false;
  if (x.scalar_type() == at::kFloat) {
    // oneDNN's f32 product of a weight as it lies makes the same bits as soon.
    return KeptProduct(x) == kernels::ProductBy::kTiles;
  }
  return x.scalar_type() == at::kBFloat16 &&
         KeptProduct(x) == kernels::ProductBy::kOneDnn &&
         kernels::HasOneDnnProduct() && kernels::HasOneDnnLayout();
}

at::Tensor LaidOutWeight::Product(const at::Tensor& x, const at::Tensor& w_OI,
                                  const at::Tensor& bias_O) {
  const at::ScalarType dtype = x.scalar_type();
  if (!Serves(x)) return ReadingProduct(x, w_OI.to(dtype), bias_O);
  const bool tiled = dtype == at::kFloat;
  if (!MadeOf(w_OI) || made_->dtype != dtype) {
    made_.reset();  // before the next one is made
    const at::Tensor w = w_OI.detach().to(dtype).contiguous();
    if (tiled && rows_ < kRowsOfLayout) {
      rows_ += CountRows(x);
      return TiledProduct(x, /*packed=*/{}, w, bias_O);
    }
    made_ = Made{tiled ? Packed(w) : kernels::OneDnnLayout(w, CountRows(x)),
                 dtype,
                 w_OI.storage().getWeakStorageImpl(),
                 w_OI.storage_offset(),
                 w_OI.numel(),
                 w_OI._version()};
  }
  return tiled ? TiledProduct(x, made_->w, w_OI, bias_O)
               : kernels::OneDnnProduct(x, made_->w, bias_O);
}

void LaidOutWeight::Drop() {
  made_.reset();
  rows_ = 0;
}

}  // namespace sft::model
