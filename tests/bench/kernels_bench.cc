// The CPU kernels of a block at the default model's sizes, one thread. Each
// case first compares its result with LibTorch's operators.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <c10/core/GradMode.h>

#include "harness/kernels/attention/varlen_attention.h"
#include "harness/kernels/block/block_ops.h"
#include "harness/kernels/nf4/nf4_glue.h"
#include "harness/model/ops/head_loss.h"

namespace sft::bench {
namespace {

constexpr int64_t kRows = 2048, kWidth = 576, kFfn = 1536, kVocabulary = 49152;

const kernels::Bf16* Bits(const at::Tensor& x) {
  return static_cast<const kernels::Bf16*>(x.const_data_ptr());
}
kernels::Bf16* MutableBits(const at::Tensor& x) {
  return static_cast<kernels::Bf16*>(x.mutable_data_ptr());
}
float* Floats(const at::Tensor& x) { return x.mutable_data_ptr<float>(); }

// Skips the case unless a is b within `bound` of b's largest value.
bool Same(benchmark::State& state, const at::Tensor& a, const at::Tensor& b,
          double bound) {
  const double apart =
      a.to(at::kFloat).sub(b.to(at::kFloat)).abs().max().item<double>() /
      b.to(at::kFloat).abs().max().item<double>();
  if (apart < bound) return true;
  state.SkipWithError("the result is not LibTorch's");
  return false;
}

void Tokens(benchmark::State& state, int64_t tokens) {
  state.SetItemsProcessed(state.iterations() * tokens);
}

void BM_RmsNorm(benchmark::State& state) {
  at::set_num_threads(1);
  const at::Tensor x = at::randn({kRows, kWidth}), w = at::rand({kWidth});
  const at::Tensor y = at::empty({kRows, kWidth}, at::kBFloat16);
  const at::Tensor rstd = at::empty({kRows}), of_x = at::empty_like(x),
                   of_w = at::empty_like(w);
  auto forward = [&] {
    kernels::RmsNormForward<kernels::Bf16>(Floats(x), Floats(w), kRows, kWidth,
                                           1e-5f, MutableBits(y), Floats(rstd));
  };
  forward();
  if (!Same(state, y, x * (x.square().mean(-1, true) + 1e-5).rsqrt() * w,
            1e-2)) {
    return;
  }
  for (auto _ : state) {
    forward();
    kernels::RmsNormBackward<kernels::Bf16>(Bits(y), Floats(x), Floats(w),
                                            Floats(rstd), kRows, kWidth,
                                            Floats(of_x), Floats(of_w));
  }
  Tokens(state, kRows);
}

void BM_SwiGlu(benchmark::State& state) {
  at::set_num_threads(1);
  const at::Tensor gate = at::randn({kRows, kFfn}).to(at::kBFloat16),
                   up = at::randn({kRows, kFfn}).to(at::kBFloat16);
  const at::Tensor y = at::empty_like(gate), of_gate = at::empty_like(gate),
                   of_up = at::empty_like(gate);
  auto forward = [&] {
    kernels::SwiGluForward<kernels::Bf16>(Bits(gate), Bits(up), gate.numel(),
                                          MutableBits(y));
  };
  forward();
  if (!Same(state, y, at::silu(gate.to(at::kFloat)) * up.to(at::kFloat),
            1e-2)) {
    return;
  }
  for (auto _ : state) {
    forward();
    kernels::SwiGluBackward<kernels::Bf16>(Bits(y), Bits(gate), Bits(up),
                                           gate.numel(), MutableBits(of_gate),
                                           MutableBits(of_up));
  }
  Tokens(state, kRows);
}

void BM_Rotate(benchmark::State& state) {
  at::set_num_threads(1);
  const at::Tensor x = at::randn({kRows, 9, 64}).to(at::kBFloat16),
                   y = at::empty_like(x), back = at::empty_like(x);
  const at::Tensor half = at::rand({kRows, 32}).mul(6);
  const at::Tensor angle = at::cat({half, half}, -1);
  const at::Tensor cos = angle.cos(), sin = angle.sin();
  auto turn = [&](const at::Tensor& from, const at::Tensor& to, bool inverse) {
    kernels::RotateRows<kernels::Bf16>(Bits(from), Floats(cos), Floats(sin),
                                       kRows, 9, 64, inverse, MutableBits(to));
  };
  turn(x, y, false);
  turn(y, back, true);
  if (!Same(state, back, x, 2e-2)) return;
  for (auto _ : state) turn(x, y, false);
  Tokens(state, kRows);
}

// Sequences of range(0) tokens, 2,048 tokens in all.
void BM_VarlenAttention(benchmark::State& state) {
  at::set_num_threads(1);
  const int64_t length = state.range(0), N = 9, K = 3, H = 64;
  kernels::VarlenShape shape{.bounds = {},
                             .heads = N,
                             .kv_heads = K,
                             .head_width = H,
                             .scale = 0.125f};
  for (int64_t at = 0; at <= kRows; at += length) shape.bounds.push_back(at);
  const int64_t T = shape.bounds.back();
  const at::Tensor q = at::randn({T, N, H}), k = at::randn({T, K, H}),
                   v = at::randn({T, K, H}), out = at::empty_like(q),
                   lse = at::empty({T, N}), of_q = at::empty_like(q),
                   of_k = at::empty_like(k), of_v = at::empty_like(v);
  auto forward = [&] {
    kernels::VarlenAttentionForward<float>(shape, Floats(q), Floats(k),
                                           Floats(v), Floats(out), Floats(lse));
  };
  forward();
  auto heads = [&](const at::Tensor& x) {
    return x.view({-1, length, x.size(1), H})
        .transpose(1, 2)
        .repeat_interleave(N / x.size(1), 1);
  };
  const at::Tensor wanted = at::scaled_dot_product_attention(
      heads(q), heads(k), heads(v), std::nullopt, 0.0, true, 0.125);
  if (!Same(state, out, wanted.transpose(1, 2).reshape(out.sizes()), 1e-4)) {
    return;
  }
  for (auto _ : state) {
    forward();
    kernels::VarlenAttentionBackward<float>(
        shape, Floats(q), Floats(q), Floats(k), Floats(v), Floats(out),
        Floats(lse), Floats(of_q), Floats(of_k), Floats(of_v));
  }
  Tokens(state, T);
}

void BM_HeadLoss(benchmark::State& state, at::ScalarType dtype) {
  at::set_num_threads(1);
  const int64_t rows = 1024;
  const at::Tensor h = at::randn({rows, kWidth}).to(dtype).requires_grad_(true);
  const at::Tensor w =
      at::randn({kVocabulary, kWidth}).mul_(0.05).requires_grad_(true);
  const at::Tensor label = at::randint(kVocabulary, {rows}, at::kLong);
  {
    const c10::NoGradGuard off;
    const at::Tensor wanted = at::cross_entropy_loss(
        at::matmul(h.to(at::kFloat), w.t()), label, {}, at::Reduction::Sum);
    if (!Same(state, model::HeadLoss(h, w, label), wanted, 1e-3)) return;
  }
  for (auto _ : state) model::HeadLoss(h, w, label).backward();
  Tokens(state, rows);
}

void BM_DequantizeNf4(benchmark::State& state) {
  at::set_num_threads(1);
  const at::Tensor w = at::randn({kFfn, kWidth});
  const kernels::Nf4Tensor q = kernels::QuantizeNf4(w, true);
  // Half the widest gap between levels, and the scales' own rounding.
  if (!Same(state, kernels::DequantizeNf4(q, at::kFloat), w, 0.139 + 0.01))
    return;
  for (auto _ : state) kernels::DequantizeNf4(q, at::kBFloat16);
  state.SetItemsProcessed(state.iterations() * w.numel());
}

BENCHMARK(BM_RmsNorm)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_SwiGlu)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Rotate)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_VarlenAttention)
    ->Arg(64)
    ->Arg(256)
    ->Arg(1024)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_HeadLoss, f32, at::kFloat)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_HeadLoss, bf16, at::kBFloat16)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_DequantizeNf4)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sft::bench
