// The products of linear maps and their gradients, by tiles or by BLAS.
#include "harness/kernels/product/matrix_product.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "harness/kernels/shared/processor_policy.h"
#include "harness/model/model.h"
#include "harness/model/ops/dense_linear.h"
#include "tests/support/catch_torch.h"
#include "tests/support/every_set.h"
#include "tests/support/plain_product.h"

namespace sft::kernels::matrix_product_test {
namespace {

double Apart(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wanted = b.detach().to(at::kDouble);
  return a.detach().to(at::kDouble).sub(wanted).abs().max().item<double>() /
         wanted.abs().max().item<double>();
}

TEST_CASE("tiles take f32 matrices of some size, BLAS takes the rest",
          "[model][product]") {
  SFT_ON_EVERY_SET();
  const auto tiled = [](int64_t m, int64_t n, int64_t k,
                        at::ScalarType dtype = at::kFloat) {
    return IsTiledProduct(at::zeros({m, k}, dtype), at::zeros({k, n}, dtype));
  };
  const ProductPlan plan =
      PlanHere({.rows = 128, .columns = 128, .depth = 128});
  CHECK(tiled(128, 128, 128) == (plan.by == ProductBy::kTiles));
  CHECK_FALSE(tiled(127, 128, 128));
  CHECK_FALSE(tiled(128, 127, 128));
  CHECK_FALSE(tiled(128, 128, 127));
  CHECK_FALSE(tiled(128, 8193, 128));
  CHECK_FALSE(tiled(128, 128, 128, at::kBFloat16));
  CHECK_FALSE(tiled(128, 128, 128, at::kDouble));
  const at::Tensor gaps = at::zeros({128, 256}).slice(1, 0, 256, 2);
  CHECK_FALSE(IsTiledProduct(gaps, gaps));
}

// Sums of some hundred products of order 1 in f32, over the largest sum.
constexpr double kBound = 2e-6;

TEST_CASE("products and sums of products equal the plain ones in f64",
          "[model][product]") {
  SFT_ON_EVERY_SET();
  at::manual_seed(10);
  const auto dtype = GENERATE(at::kFloat, at::kDouble);
  const bool flip = GENERATE(false, true);
  const int64_t M = 257, K = 900, N = 130;
  const at::Tensor a =
      flip ? at::randn({K, M}).to(dtype).t() : at::randn({M, K}).to(dtype);
  const at::Tensor b =
      flip ? at::randn({N, K}).to(dtype).t() : at::randn({K, N}).to(dtype);
  const at::Tensor wanted = support::PlainProduct(a, b);
  CHECK(Apart(MatrixProduct(a, b), wanted) < kBound);
  at::Tensor sum = at::randn({M, N}).to(dtype);
  const at::Tensor whole = sum.to(at::kDouble) + wanted;
  AddMatrixProduct(a, b, sum);
  CHECK(Apart(sum, whole) < kBound);
  at::Tensor columns = at::zeros({N, M}).to(dtype).t();
  AddMatrixProduct(a, b, columns);
  CHECK(Apart(columns, wanted) < kBound);
  CHECK_THROWS(MatrixProduct(a, b.t()));
}

TEST_CASE("a map's pass is the same with a gradient and without",
          "[model][product]") {
  SFT_ON_EVERY_SET();
  at::manual_seed(11);
  const int64_t M = 200, I = 192, O = 160;
  const bool trained = GENERATE(false, true), biased = GENERATE(false, true);
  at::Tensor w = at::randn({O, I}), bias = at::randn({O});
  w.requires_grad_(trained);
  model::DenseLinear map(w, biased ? bias : at::Tensor(), at::kFloat);
  const at::Tensor x = at::randn({2, M / 2, I}).requires_grad_(true);
  model::PassState pass;
  pass.training = true;
  const at::Tensor y = map.Forward(x, pass);
  {
    const c10::NoGradGuard off;
    CHECK(at::equal(map.Forward(x, pass), y));
  }
  const at::Tensor grad = at::randn(y.sizes());
  y.backward(grad);
  const at::Tensor x64 = x.detach().to(at::kDouble).view({M, I});
  const at::Tensor w64 = w.detach().to(at::kDouble);
  const at::Tensor g64 = grad.to(at::kDouble).view({M, O});
  at::Tensor wanted = support::PlainProduct(x64, w64.t());
  if (biased) wanted = wanted + bias.to(at::kDouble);
  CHECK(Apart(y.view({M, O}), wanted) < kBound);
  CHECK(Apart(x.grad().view({M, I}), support::PlainProduct(g64, w64)) < kBound);
  CHECK(w.grad().defined() == trained);
  if (trained)
    CHECK(Apart(w.grad(), support::PlainProduct(g64.t(), x64)) < kBound);
}

}  // namespace
}  // namespace sft::kernels::matrix_product_test
