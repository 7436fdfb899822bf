#include "harness/model/ops/reading_product.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "tests/harness/model/fake_files.h"
#include "tests/support/catch_torch.h"
#include "tests/support/every_set.h"
#include "tests/support/plain_product.h"

namespace sft::model::reading_product_test {
namespace {

using fake::RelativeError;

TEST_CASE("a laid-out weight multiplies as the plain one, and follows it",
          "[model][reading]") {
  SFT_ON_EVERY_SET();
  const c10::NoGradGuard no_grad;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kDouble}) {
    // Half a unit in bf16's last place, and the bias rounds once more; f32
    // sums of 48 products.
    const double bound = dtype == at::kBFloat16 ? 8e-3 : 1e-6;
    at::manual_seed(7);
    at::Tensor w_OI =
        at::randn({70, 48}, dtype == at::kDouble ? dtype : at::kFloat);
    const at::Tensor bias_O = at::randn({70}, w_OI.options()).to(dtype);
    LaidOutWeight laid_out;
    const auto check = [&](const at::Tensor& weight_OI, int64_t rows,
                           const at::Tensor& bias) {
      const at::Tensor x =
          at::randn({rows / 2, 2, 48}, w_OI.options()).to(dtype);
      const at::Tensor y = laid_out.Product(x, weight_OI, bias);
      CHECK(y.scalar_type() == dtype);
      at::Tensor plain =
          support::PlainProduct(x.view({rows, 48}), weight_OI.to(dtype).t());
      if (bias.defined()) plain.add_(bias);
      CHECK(RelativeError(y.reshape({rows, -1}), plain) < bound);
      CHECK(RelativeError(
                ReadingProduct(x, weight_OI.to(dtype), bias).view({rows, -1}),
                plain) < bound);
    };
    check(w_OI, 200, bias_O);
    check(w_OI, 300, at::Tensor());  // rows of another number, no bias
    check(w_OI, 4, bias_O);          // too few to be worth it
    w_OI.mul_(-2);                   // in place: the copy is stale
    check(w_OI, 200, bias_O);
    check(w_OI.narrow(0, 0, 40), 200, at::Tensor());  // a part of it
    check(w_OI.narrow(0, 30, 40), 200, at::Tensor());
    w_OI = at::randn_like(w_OI);  // another tensor
    check(w_OI, 200, bias_O);
    laid_out.Drop();
    check(w_OI, 200, bias_O);
  }
}

TEST_CASE("no bit depends on how often an f32 weight was read",
          "[model][reading]") {
  SFT_ON_EVERY_SET();
  const c10::NoGradGuard no_grad;
  at::manual_seed(8);
  const at::Tensor w_OI = at::randn({70, 900}), x = at::randn({500, 900});
  LaidOutWeight laid_out;
  const at::Tensor first = laid_out.Product(x, w_OI, at::Tensor());
  CHECK(RelativeError(first, support::PlainProduct(x, w_OI.t())) < 2e-6);
  for (int i = 0; i < 5; ++i) {
    CHECK(at::equal(laid_out.Product(x, w_OI, at::Tensor()), first));
  }
}

}  // namespace
}  // namespace sft::model::reading_product_test
