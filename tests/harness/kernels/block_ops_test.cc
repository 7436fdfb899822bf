// The CPU kernels of a block against LibTorch's operators in f64.
#include "harness/kernels/block/block_ops.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "harness/kernels/attention/varlen_attention.h"
#include "tests/support/catch_torch.h"
#include "tests/support/every_set.h"

namespace sft::kernels::block_ops_test {
namespace {

constexpr double kF32 = 2e-6;
constexpr double kBf16 = 8e-3;  // a unit in bf16's last place, relative

const Bf16* Bits(const at::Tensor& x) {
  return static_cast<const Bf16*>(x.const_data_ptr());
}
Bf16* MutableBits(const at::Tensor& x) {
  return static_cast<Bf16*>(x.mutable_data_ptr());
}
at::Tensor Leaf(const at::Tensor& x) {
  return x.detach().to(at::kDouble).clone().requires_grad_(true);
}
// The largest difference over 1 and the largest value.
double Apart(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wanted = b.detach().to(at::kDouble);
  return a.to(at::kDouble).sub(wanted).abs().max().item<double>() /
         std::max(1.0, wanted.abs().max().item<double>());
}

TEST_CASE("the exponential is right to two units in the last place") {
  double worst = 0;
  for (float x = -87.0f; x < 88.0f; x += 0.00731f) {
    const double wanted = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::fabs(Exp(x) / wanted - 1));
  }
  CHECK(worst < 2.4e-7);
  CHECK(Exp(0.0f) == 1.0f);
  CHECK(Exp(-1000.0f) > 0);
  CHECK(Exp(-1000.0f) < 1e-37f);
}

TEST_CASE("bf16 is stored as LibTorch stores it") {
  const at::Tensor x = at::cat(
      {at::randn({4096}), at::tensor({0.0f, -0.0f, INFINITY, -INFINITY, NAN,
                                      1.00390625f, 1.01171875f, 3.4e38f})});
  const at::Tensor wanted = x.to(at::kBFloat16);
  for (int64_t i = 0; i < x.numel(); ++i) {
    Bf16 bits;
    Store(x[i].item<float>(), &bits);
    if (std::isnan(x[i].item<float>())) {
      CHECK(std::isnan(ToFloat(bits)));
    } else {
      CHECK(bits == Bits(wanted)[i]);
    }
  }
}

TEST_CASE("RMSNorm and its gradients, f32 and bf16") {
  SFT_ON_EVERY_SET();
  const auto [rows, width] = GENERATE(std::pair<int64_t, int64_t>{1, 8},
                                      std::pair<int64_t, int64_t>{67, 64},
                                      std::pair<int64_t, int64_t>{130, 577});
  at::manual_seed(1);
  const at::Tensor x = at::randn({rows, width}), w = at::rand({width}).add(0.5);
  const at::Tensor grad = at::randn({rows, width}).to(at::kBFloat16);
  const at::Tensor x64 = Leaf(x), w64 = Leaf(w);
  const at::Tensor y64 =
      x64 * (x64.square().mean(-1, true) + 1e-5).rsqrt() * w64;
  torch::autograd::backward({y64}, {grad.to(at::kDouble)});

  const at::Tensor y = at::empty_like(x), rstd = at::empty({rows});
  const at::Tensor y16 = at::empty_like(grad);
  const at::Tensor of_x = at::empty_like(x), of_w = at::empty_like(w);
  auto f = [](const at::Tensor& t) { return t.mutable_data_ptr<float>(); };
  RmsNormForward<float>(f(x), f(w), rows, width, 1e-5f, f(y), f(rstd));
  RmsNormForward<Bf16>(f(x), f(w), rows, width, 1e-5f, MutableBits(y16),
                       f(rstd));
  RmsNormBackward<Bf16>(Bits(grad), f(x), f(w), f(rstd), rows, width, f(of_x),
                        f(of_w));
  CHECK(Apart(y, y64) < kF32);
  CHECK(at::equal(y16, y.to(at::kBFloat16)));
  CHECK(Apart(of_x, x64.grad()) < kF32);
  CHECK(Apart(of_w, w64.grad()) < kF32);
  RmsNormBackward<float>(f(grad.to(at::kFloat)), f(x), f(w), f(rstd), rows,
                         width, f(of_x), nullptr);
  CHECK(Apart(of_x, x64.grad()) < kF32);
}

TEST_CASE("SwiGLU and its gradients, f32 and bf16") {
  SFT_ON_EVERY_SET();
  at::manual_seed(2);
  const int64_t n = 70'001;
  const at::Tensor gate = at::randn({n}).mul(4), up = at::randn({n}),
                   grad = at::randn({n});
  auto f = [](const at::Tensor& t) { return t.mutable_data_ptr<float>(); };
  {
    const at::Tensor g64 = Leaf(gate), u64 = Leaf(up);
    const at::Tensor y64 = at::silu(g64) * u64;
    torch::autograd::backward({y64}, {grad.to(at::kDouble)});
    const at::Tensor y = at::empty_like(gate), of_gate = at::empty_like(gate),
                     of_up = at::empty_like(gate);
    SwiGluForward<float>(f(gate), f(up), n, f(y));
    SwiGluBackward<float>(f(grad), f(gate), f(up), n, f(of_gate), f(of_up));
    CHECK(Apart(y, y64) < kF32);
    CHECK(Apart(of_gate, g64.grad()) < kF32);
    CHECK(Apart(of_up, u64.grad()) < kF32);
  }
  const at::Tensor g16 = gate.to(at::kBFloat16), u16 = up.to(at::kBFloat16),
                   d16 = grad.to(at::kBFloat16);
  const at::Tensor g64 = Leaf(g16), u64 = Leaf(u16);
  const at::Tensor y64 = at::silu(g64) * u64;
  torch::autograd::backward({y64}, {d16.to(at::kDouble)});
  const at::Tensor y = at::empty_like(g16), of_gate = at::empty_like(g16),
                   of_up = at::empty_like(g16);
  SwiGluForward<Bf16>(Bits(g16), Bits(u16), n, MutableBits(y));
  SwiGluBackward<Bf16>(Bits(d16), Bits(g16), Bits(u16), n, MutableBits(of_gate),
                       MutableBits(of_up));
  CHECK(Apart(y, y64) < kBf16);
  CHECK(Apart(of_gate, g64.grad()) < kBf16);
  CHECK(Apart(of_up, u64.grad()) < kBf16);
}

TEST_CASE("rotation turns back to where it came from") {
  SFT_ON_EVERY_SET();
  at::manual_seed(3);
  const int64_t rows = 70, heads = 3, width = 10;
  const at::Tensor x = at::randn({rows, heads, width});
  const at::Tensor half = at::rand({rows, width / 2}).mul(6);
  const at::Tensor angle = at::cat({half, half}, -1);
  const at::Tensor cos = angle.cos(), sin = angle.sin();
  const at::Tensor y = at::empty_like(x), back = at::empty_like(x);
  auto f = [](const at::Tensor& t) { return t.mutable_data_ptr<float>(); };
  RotateRows<float>(f(x), f(cos), f(sin), rows, heads, width, false, f(y));
  RotateRows<float>(f(y), f(cos), f(sin), rows, heads, width, true, f(back));
  const at::Tensor turned = at::cat(
      {x.narrow(-1, width / 2, width / 2).neg(), x.narrow(-1, 0, width / 2)},
      -1);
  CHECK(Apart(y, x * cos.unsqueeze(1) + turned * sin.unsqueeze(1)) < kF32);
  CHECK(Apart(back, x) < kF32);
}

TEST_CASE("cross-entropy of rows and its gradient, f32 and bf16") {
  SFT_ON_EVERY_SET();
  at::manual_seed(4);
  const int64_t rows = 5, vocabulary = 5003;
  const bool narrow = GENERATE(false, true);
  const at::Tensor logits = at::randn({rows, vocabulary})
                                .mul(5)
                                .to(narrow ? at::kBFloat16 : at::kFloat);
  const at::Tensor label = at::randint(vocabulary, {rows}, at::kLong);
  const at::Tensor leaf = Leaf(logits);
  const at::Tensor loss =
      at::cross_entropy_loss(leaf, label, {}, at::Reduction::Sum);
  torch::autograd::backward({loss});
  const at::Tensor kept = logits.clone();
  double sum = 0, only = 0;
  const int64_t* labels = label.const_data_ptr<int64_t>();
  if (narrow) {
    only = CrossEntropyRows<Bf16>(MutableBits(logits), labels, rows, vocabulary,
                                  false);
    CHECK(at::equal(kept, logits));
    sum = CrossEntropyRows<Bf16>(MutableBits(logits), labels, rows, vocabulary,
                                 true);
  } else {
    only = CrossEntropyRows<float>(logits.mutable_data_ptr<float>(), labels,
                                   rows, vocabulary, false);
    CHECK(at::equal(kept, logits));
    sum = CrossEntropyRows<float>(logits.mutable_data_ptr<float>(), labels,
                                  rows, vocabulary, true);
  }
  CHECK(sum == only);
  CHECK(std::fabs(sum - loss.item<double>()) < 1e-6 * sum);
  CHECK(Apart(logits, leaf.grad()) < (narrow ? kBf16 : kF32));
}

TEST_CASE("attention of sequences and its gradients, f32 and bf16") {
  SFT_ON_EVERY_SET();
  at::manual_seed(5);
  const bool causal = GENERATE(true, false), narrow = GENERATE(false, true);
  // The longest has keys enough for several parts of the online softmax.
  const std::vector<int64_t> bounds = {0, 1, 130, 131, 300, 343, 1423};
  const int64_t T = bounds.back(), N = 6, K = 2, H = 16;
  const auto dtype = narrow ? at::kBFloat16 : at::kFloat;
  const at::Tensor q = at::randn({T, N, H}).to(dtype),
                   k = at::randn({T, K, H}).to(dtype),
                   v = at::randn({T, K, H}).to(dtype),
                   grad = at::randn({T, N, H}).to(dtype);
  const at::Tensor q64 = Leaf(q), k64 = Leaf(k), v64 = Leaf(v);
  std::vector<at::Tensor> parts;
  for (size_t s = 0; s + 1 < bounds.size(); ++s) {
    const int64_t length = bounds[s + 1] - bounds[s];
    auto heads = [&](const at::Tensor& x, int64_t repeats) {
      return x.narrow(0, bounds[s], length)
          .transpose(0, 1)
          .repeat_interleave(repeats, 0);
    };
    at::Tensor scores =
        at::matmul(heads(q64, 1), heads(k64, N / K).transpose(1, 2)).mul(0.3);
    if (causal) {
      scores = scores.masked_fill(at::ones({length, length}, at::kBool).triu(1),
                                  -INFINITY);
    }
    parts.push_back(
        at::matmul(scores.softmax(-1), heads(v64, N / K)).transpose(0, 1));
  }
  const at::Tensor wanted = at::cat(parts, 0);
  torch::autograd::backward({wanted}, {grad.to(at::kDouble)});

  const VarlenShape shape{.bounds = bounds,
                          .heads = N,
                          .kv_heads = K,
                          .head_width = H,
                          .scale = 0.3f,
                          .causal = causal};
  const at::Tensor out = at::empty_like(q), lse = at::empty({T, N});
  const at::Tensor of_q = at::empty_like(q), of_k = at::empty_like(k),
                   of_v = at::empty_like(v);
  auto f = [](const at::Tensor& t) { return t.mutable_data_ptr<float>(); };
  if (narrow) {
    VarlenAttentionForward<Bf16>(shape, Bits(q), Bits(k), Bits(v),
                                 MutableBits(out), f(lse));
    VarlenAttentionBackward<Bf16>(shape, Bits(grad), Bits(q), Bits(k), Bits(v),
                                  Bits(out), f(lse), MutableBits(of_q),
                                  MutableBits(of_k), MutableBits(of_v));
  } else {
    VarlenAttentionForward<float>(shape, f(q), f(k), f(v), f(out), f(lse));
    VarlenAttentionBackward<float>(shape, f(grad), f(q), f(k), f(v), f(out),
                                   f(lse), f(of_q), f(of_k), f(of_v));
  }
  const double bound = narrow ? 2 * kBf16 : 4 * kF32;
  CHECK(Apart(out, wanted) < bound);
  CHECK(Apart(of_q, q64.grad()) < bound);
  CHECK(Apart(of_k, k64.grad()) < bound);
  CHECK(Apart(of_v, v64.grad()) < bound);
}

}  // namespace
}  // namespace sft::kernels::block_ops_test
