#include "harness/kernels/product/matrix_product.h"

#include <ATen/ATen.h>

#include "harness/kernels/product/tile_product.h"
#include "harness/kernels/shared/processor_policy.h"

namespace sft::kernels {
namespace {

bool IsStrided(const at::Tensor& x) {
  return x.stride(1) == 1 || x.stride(0) == 1;
}

TileMatrix Read(const at::Tensor& x) {
  const bool transposed = x.stride(1) != 1;
  return {x.const_data_ptr<float>(), x.stride(transposed ? 1 : 0), transposed};
}

void Multiply(const at::Tensor& a, const at::Tensor& b, bool add,
              const at::Tensor& c) {
  TORCH_CHECK(a.size(1) == b.size(0), "a product of ", a.sizes(), " and ",
              b.sizes());
  MatrixProduct(a.size(0), b.size(1), a.size(1), Read(a), Read(b), add,
                c.mutable_data_ptr<float>());
}

}  // namespace

bool IsTiledProduct(const at::Tensor& a_MK, const at::Tensor& b_KN) {
  return a_MK.is_cpu() && a_MK.scalar_type() == at::kFloat &&
         b_KN.scalar_type() == at::kFloat && IsStrided(a_MK) &&
         IsStrided(b_KN) &&
         PlanHere({.rows = a_MK.size(0),
                   .columns = b_KN.size(1),
                   .depth = a_MK.size(1)})
                 .by == ProductBy::kTiles;
}

at::Tensor MatrixProduct(const at::Tensor& a_MK, const at::Tensor& b_KN) {
  if (!IsTiledProduct(a_MK, b_KN)) return at::mm(a_MK, b_KN);
  at::Tensor c_MN = at::empty({a_MK.size(0), b_KN.size(1)}, a_MK.options());
  Multiply(a_MK, b_KN, /*add=*/false, c_MN);
  return c_MN;
}

void AddMatrixProduct(const at::Tensor& a_MK, const at::Tensor& b_KN,
                      at::Tensor& sum_MN) {
  if (!IsTiledProduct(a_MK, b_KN) || !sum_MN.is_contiguous()) {
    sum_MN.addmm_(a_MK, b_KN);
  } else {
    Multiply(a_MK, b_KN, /*add=*/true, sum_MN);
  }
}

}  // namespace sft::kernels
