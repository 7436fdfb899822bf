// The operations of a block on tensors: the CPU's are the oracle of a device's.
#include "harness/kernels/block/block_glue.h"

#include <ATen/ATen.h>

#include <cmath>

#include "tests/support/catch_torch.h"
#include "tests/support/require.h"

namespace sft::kernels::block_glue_test {
namespace {

// f32 sums of up to 1100 terms in two orders, relative to the largest.
constexpr double kOrder = 2e-6;

double Apart(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wanted = b.to(at::kDouble);
  return a.cpu().to(at::kDouble).sub(wanted).abs().max().item<double>() /
         wanted.abs().max().item<double>();
}
bool Same(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && at::equal(a.cpu(), b.cpu());
}
// bf16 results of sums in two orders may fall on either side of a rounding.
double Bound(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? 8e-3 : kOrder;
}

void CheckNorm(at::Device device, at::ScalarType dtype, int64_t rows,
               int64_t width) {
  INFO("norm " << rows << " x " << width << " " << c10::toString(dtype));
  at::manual_seed(1);
  const at::Tensor x = at::randn({rows, width}), w = at::rand({width}).add(0.5);
  const at::Tensor grad = at::randn({rows, width}).to(dtype);
  const NormedRows cpu = RmsNormRows(x, w, 1e-5, dtype);
  const NormedRows there = RmsNormRows(x.to(device), w.to(device), 1e-5, dtype);
  CHECK(Apart(there.y, cpu.y) < Bound(dtype));
  CHECK(Apart(there.rstd_M, cpu.rstd_M) < kOrder);
  const auto back = [&](at::Device d, bool of_w) {
    return RmsNormRowsBackward(grad.to(d), x.to(d), w.to(d), cpu.rstd_M.to(d),
                               of_w);
  };
  const NormGradients wanted = back(at::kCPU, true), made = back(device, true);
  CHECK(Apart(made.x, wanted.x) < kOrder);
  CHECK(Same(made.w_D, wanted.w_D));  // summed in the same parts
  const NormGradients again = back(device, false);
  CHECK(Same(again.x, made.x));
  CHECK_FALSE(again.w_D.defined());
}

void CheckSwiGlu(at::Device device, at::ScalarType dtype) {
  INFO("SwiGLU " << c10::toString(dtype));
  at::manual_seed(2);
  const int64_t n = 70'001;
  const at::Tensor gate = at::randn({n}).mul(4).to(dtype),
                   up = at::randn({n}).to(dtype),
                   grad = at::randn({n}).to(dtype);
  const at::Tensor g = gate.to(device), u = up.to(device), d = grad.to(device);
  CHECK(Same(SwiGluElements(g, u), SwiGluElements(gate, up)));
  const SwiGluGradients wanted = SwiGluElementsBackward(grad, gate, up);
  const SwiGluGradients made = SwiGluElementsBackward(d, g, u);
  CHECK(Same(made.gate, wanted.gate));
  CHECK(Same(made.up, wanted.up));
}

void CheckRotation(at::Device device, at::ScalarType dtype) {
  INFO("rotation " << c10::toString(dtype));
  at::manual_seed(3);
  const int64_t rows = 37, heads = 15, width = 64;
  const at::Tensor x = at::randn({rows, heads, width}).to(dtype);
  const at::Tensor half = at::rand({rows, width / 2}).mul(6);
  const at::Tensor angle = at::cat({half, half}, -1);
  const at::Tensor cos = angle.cos(), sin = angle.sin();
  for (bool inverse : {false, true}) {
    CHECK(
        Same(RotatedRows(x.to(device), cos.to(device), sin.to(device), inverse),
             RotatedRows(x, cos, sin, inverse)));
  }
}

void CheckLoss(at::Device device, at::ScalarType dtype, int64_t vocabulary) {
  INFO("loss over " << vocabulary << " " << c10::toString(dtype));
  at::manual_seed(4);
  const int64_t rows = 5;
  const at::Tensor logits = at::randn({rows, vocabulary}).mul(5).to(dtype);
  const at::Tensor label = at::randint(vocabulary, {rows}, at::kLong);
  label[0] = 0;
  label[1] = vocabulary - 1;
  label[2] = -100;  // counts for nothing
  const at::Tensor there = logits.to(device, dtype, false, /*copy=*/true);
  const at::Tensor kept = logits.clone(), label_there = label.to(device);
  const double only =
      CrossEntropyOfRows(there, label_there, false).item<double>();
  CHECK(Same(there, logits));
  const double sum =
      CrossEntropyOfRows(there, label_there, true).item<double>();
  const double wanted = CrossEntropyOfRows(kept, label, true).item<double>();
  CHECK(sum == only);
  CHECK(std::fabs(sum - wanted) < 1e-6 * wanted);
  CHECK(Apart(there, kept) < Bound(dtype));
  CHECK(at::equal(there[2].cpu(), at::zeros({vocabulary}, dtype)));
}

void CheckAll(at::Device device) {
  for (at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    // One element, less than a warp, a ragged part of rows, wider than a block.
    CheckNorm(device, dtype, 1, 1);
    CheckNorm(device, dtype, 3, 20);
    CheckNorm(device, dtype, 130, 577);
    CheckNorm(device, dtype, 64, 1024);
    CheckSwiGlu(device, dtype);
    CheckRotation(device, dtype);
    CheckLoss(device, dtype, 7);
    CheckLoss(device, dtype, 5003);
  }
}

}  // namespace

TEST_CASE("kernels take f32 and bf16 on the CPU, and nothing else",
          "[methods][kernels]") {
  CHECK(HasBlockKernels(at::zeros({1})));
  CHECK(HasBlockKernels(at::zeros({1}, at::kBFloat16)));
  CHECK_FALSE(HasBlockKernels(at::zeros({1}, at::kDouble)));
  CHECK_FALSE(HasBlockKernels(at::zeros({1}, at::kLong)));
  CHECK_THROWS(SwiGluElements(at::zeros({1}, at::kDouble), at::zeros({1})));
  CHECK_THROWS(SwiGluElements(at::zeros({2, 2}).t(), at::zeros({2, 2})));
}

TEST_CASE("the checks of a device's kernels hold for the CPU's own",
          "[methods][kernels]") {
  CheckAll(at::kCPU);
}

TEST_CASE("a block's operations on CUDA agree with the CPU's",
          "[methods][kernels][gpu]") {
  support::RequireGpu();
  CHECK(HasBlockKernels(at::zeros({1}, at::kCUDA)));
  CHECK_FALSE(HasBlockKernels(at::zeros(
      {1}, at::TensorOptions().device(at::kCUDA).dtype(at::kDouble))));
  CheckAll(at::kCUDA);
}

}  // namespace sft::kernels::block_glue_test
