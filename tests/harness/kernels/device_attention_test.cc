// LibTorch's variable-length attention on a card against our own on the CPU.
#include "harness/kernels/attention/device_attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "harness/kernels/attention/attention.h"
#include "tests/support/catch_torch.h"
#include "tests/support/require.h"

namespace sft::kernels::device_attention_test {
namespace {

struct Case {
  int64_t rows, tokens;
  std::vector<int32_t> bounds;  // empty = row by row
  bool causal = true;
  int64_t window = 0;
  bool bounds_on_host = false;  // as where no training prepared the batch
};

// The output and the gradients of q, k and v.
std::vector<at::Tensor> Made(const Case& c, at::ScalarType dtype,
                             at::Device device) {
  at::manual_seed(5);
  const int64_t N = 6, K = 2, H = 64;
  const auto drawn = [&](int64_t heads) {
    return at::randn({c.rows, c.tokens, heads, H})
        .to(dtype)
        .to(device)
        .requires_grad_(true);
  };
  const at::Tensor q = drawn(N), k = drawn(K), v = drawn(K);
  const at::Tensor grad =
      at::randn({c.rows, N, c.tokens, H}).to(dtype).to(device);
  Batch batch;
  batch.lengths.assign(static_cast<size_t>(c.rows), c.tokens);
  if (!c.bounds.empty()) {
    std::vector<int32_t> bounds = c.bounds;
    // What the kernels do not serve wants no empty sequences.
    if (!HasDeviceAttention(device, dtype, H, c.window > 0)) {
      bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
    }
    batch.cu_seqlens = at::tensor(bounds, at::kInt);
    if (!c.bounds_on_host) batch.cu_seqlens = batch.cu_seqlens.to(device);
    batch.longest = 50;
  }
  const at::Tensor out =
      DefaultAttention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2),
                       batch, 0.125, {.window = c.window, .causal = c.causal});
  torch::autograd::backward({out}, {grad});
  return {out.detach(), q.grad(), k.grad(), v.grad()};
}

double Apart(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wanted = b.cpu().to(at::kDouble);
  return a.cpu().to(at::kDouble).sub(wanted).abs().max().item<double>() /
         wanted.abs().max().item<double>();
}

}  // namespace

TEST_CASE("no device's attention serves the CPU", "[model][attention]") {
  CHECK_FALSE(HasDeviceAttention(at::kCPU, at::kBFloat16, 64, false));
  CHECK(HasDeviceAttention(at::kCUDA, at::kBFloat16, 64, true));
  CHECK_FALSE(HasDeviceAttention(at::kCUDA, at::kFloat, 64, true));
  CHECK_FALSE(HasDeviceAttention(at::kCUDA, at::kDouble, 64, false));
  CHECK_FALSE(HasDeviceAttention(at::kCUDA, at::kBFloat16, 60, false));
}

TEST_CASE("attention of sequences on CUDA and its gradients are the CPU's",
          "[model][attention][gpu]") {
  support::RequireGpu();
  const Case flat = {1, 130, {0, 1, 38, 88, 130, 130, 130}, true, 0};
  Case both = flat, windowed = flat, host = flat;
  both.causal = false;
  host.bounds_on_host = true;
  windowed.window = 17;
  const Case rows = {3, 40, {}, true, 0};
  for (const auto& [dtype, bound] :
       {std::pair{at::kFloat, 1e-5}, {at::kBFloat16, 2e-2}}) {
    for (const Case& c : {flat, both, windowed, host, rows}) {
      INFO(c10::toString(dtype) << " causal " << c.causal << " window "
                                << c.window << " rows " << c.rows);
      const auto wanted = Made(c, dtype, at::kCPU);
      const auto made = Made(c, dtype, at::kCUDA);
      const auto again = Made(c, dtype, at::kCUDA);
      for (size_t i = 0; i < wanted.size(); ++i) {
        INFO("result " << i);
        CHECK(Apart(made[i], wanted[i]) < bound);
        CHECK(at::equal(made[i], again[i]));  // sums in a fixed order
      }
    }
  }
}

}  // namespace sft::kernels::device_attention_test
