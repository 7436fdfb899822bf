// The differentiable operations of a block on a device against the CPU's.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "harness/model/ops/head_loss.h"
#include "harness/model/ops/ops.h"
#include "tests/support/catch_torch.h"
#include "tests/support/require.h"

namespace sft::model::device_ops_test {
namespace {

at::Tensor Leaf(const at::Tensor& x, at::Device device) {
  return x.to(device, x.scalar_type(), false, /*copy=*/true)
      .requires_grad_(true);
}
double Apart(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wanted = b.detach().to(at::kDouble);
  return a.detach()
             .cpu()
             .to(at::kDouble)
             .sub(wanted)
             .abs()
             .max()
             .item<double>() /
         wanted.abs().max().item<double>();
}

// f(leaves) and the gradients of its sum weighed by `grad`, all on `device`.
template <class F>
std::vector<at::Tensor> Made(const F& f, const std::vector<at::Tensor>& inputs,
                             const at::Tensor& grad, at::Device device) {
  std::vector<at::Tensor> leaves, made;
  for (const at::Tensor& x : inputs) leaves.push_back(Leaf(x, device));
  made.push_back(f(leaves));
  torch::autograd::backward({made[0]}, {grad.to(made[0].options())});
  for (const at::Tensor& leaf : leaves) made.push_back(leaf.grad());
  return made;
}

template <class F>
void CheckSame(const F& f, const std::vector<at::Tensor>& inputs,
               const at::Tensor& grad, double bound, at::Device device) {
  const auto wanted = Made(f, inputs, grad, at::kCPU);
  const auto made = Made(f, inputs, grad, device);
  for (size_t i = 0; i < wanted.size(); ++i) {
    INFO("result " << i);
    CHECK(made[i].scalar_type() == wanted[i].scalar_type());
    CHECK(made[i].device().type() == device.type());
    CHECK(Apart(made[i], wanted[i]) < bound);
  }
}

void CheckAll(at::Device device) {
  const auto dtype = GENERATE(at::kFloat, at::kBFloat16, at::kDouble);
  INFO(c10::toString(dtype));
  // The order of sums in f32; a unit in bf16's last place; f64's composite.
  const double bound = dtype == at::kFloat      ? 4e-6
                       : dtype == at::kBFloat16 ? 1.6e-2
                                                : 1e-12;
  const auto master = dtype == at::kDouble ? at::kDouble : at::kFloat;
  at::manual_seed(8);
  const int64_t B = 2, T = 67, N = 3, H = 16, D = N * H, V = 331;
  const at::Tensor x = at::randn({B, T, D});
  CheckSame(
      [&](const std::vector<at::Tensor>& in) {
        return RmsNorm(in[0], in[1], 1e-5, dtype);
      },
      {x.to(master), at::rand({D}).add(0.5).to(master)}, at::randn({B, T, D}),
      bound, device);
  CheckSame(
      [](const std::vector<at::Tensor>& in) { return SwiGlu(in[0], in[1]); },
      {x.to(dtype), at::randn({B, T, D}).to(dtype)}, at::randn({B, T, D}),
      bound, device);
  const at::Tensor position = at::arange(T).expand({B, T}).contiguous();
  CheckSame(
      [&](const std::vector<at::Tensor>& in) {
        // The table of the CPU: a device's cosine may differ in the last bit.
        RotaryTable table = MakeRotaryTable(position, H, 1e4, master);
        table.cos_B1TH = table.cos_B1TH.to(in[0].device());
        table.sin_B1TH = table.sin_B1TH.to(in[0].device());
        return Rotate(in[0], table);
      },
      {x.view({B, T, N, H}).transpose(1, 2).to(dtype)}, at::randn({B, N, T, H}),
      bound, device);
  const at::Tensor label = at::randint(V, {B * T}, at::kLong);
  CheckSame(
      [&](const std::vector<at::Tensor>& in) {
        return HeadLoss(in[0], in[1], label.to(in[0].device()));
      },
      {x.view({-1, D}).to(dtype), at::randn({V, D}).mul(0.3).to(master)},
      at::full({}, 0.25), bound, device);
}

}  // namespace

TEST_CASE("the checks of a device's operations hold for the CPU's own",
          "[model][ops]") {
  CheckAll(at::kCPU);
}

TEST_CASE("a block's operations and gradients on CUDA are those of the CPU",
          "[model][ops][gpu]") {
  support::RequireGpu();
  CheckAll(at::kCUDA);
}

}  // namespace sft::model::device_ops_test
