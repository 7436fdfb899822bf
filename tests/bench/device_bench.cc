// What a card does: a whole step, captured and kernel by kernel, and the
// kernels beside LibTorch's own way. Registered where there is a card.
#include <ATen/ATen.h>
#include <benchmark/benchmark.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <functional>
#include <optional>
#include <string>

#include "harness/core/rng.h"
#include "harness/data/batch_shape.h"
#include "harness/data/collator.h"
#include "harness/kernels/attention/attention.h"
#include "harness/kernels/nf4/nf4_glue.h"
#include "harness/measure/memory.h"
#include "harness/model/ops/head_loss.h"
#include "harness/train/optimizers/registry.h"
#include "harness/train/step_graphs.h"
#include "tests/bench/trainee.h"
#include "tests/support/random_decoder.h"

namespace sft::bench {
namespace {

const at::TensorOptions kFloats =
    at::TensorOptions().device(at::kCUDA).dtype(at::kFloat);
const at::TensorOptions kBf16s = kFloats.dtype(at::kBFloat16);

// The device is done when a number of its last result can be read.
void Wait(const at::Tensor& result) { result.reshape({-1})[0].item<double>(); }

void BM_DeviceStep(benchmark::State& state, const std::string& method,
                   at::ScalarType dtype, bool captured) {
  at::globalContext().setSDPUseCuDNN(false);  // as LoadModel does
  Trainee trainee(support::RandomDecoder(support::kSize135M, dtype, at::kCUDA),
                  method);
  Rng rng(1, Stream::kMethod, "device_bench");
  std::vector<Example> rows;
  std::vector<data::Piece> pieces;
  for (int64_t length : {488, 311, 180, 276, 205, 254, 161, 97}) {
    pieces.push_back({std::ssize(rows), 0, length});
    rows.push_back(
        support::RandomRow(length, support::kSize135M.vocabulary, rng));
  }
  Batch batch = data::WithTargets(data::FlatBatch(rows, pieces));
  std::optional<train::StepGraphs> graphs;
  if (captured) {
    graphs.emplace(trainee.model(), trainee.optimizer());
    batch = data::FilledUp(batch, {2048, 9, batch.target_tokens, 512});
  }
  batch = data::OnDevice(batch, at::kCUDA);
  train::StepGraphs* const with = graphs ? &*graphs : nullptr;
  const double loss = trainee.Step(batch, with);
  // Random weights know nothing.
  if (std::fabs(loss - std::log(49152.0)) > 0.5) {
    return state.SkipWithError("a fresh model's loss is not that of a guess");
  }
  for (int warm = 0; warm < 3; ++warm) trainee.Step(batch, with);
  if (graphs && !graphs->broken().empty()) {
    return state.SkipWithError(graphs->broken().c_str());
  }
  measure::ResetPeakDeviceMemory(at::kCUDA);
  for (auto _ : state) trainee.Step(batch, with);
  if (const auto memory = measure::ReadDeviceMemory(trainee.model().device());
      memory.ok()) {
    state.counters["peak_mib"] = memory->peak_allocated_bytes / (1 << 20);
  }
  const auto steps = static_cast<double>(state.iterations());
  state.counters["tokens_per_s"] =
      benchmark::Counter(static_cast<double>(batch.real_tokens) * steps,
                         benchmark::Counter::kIsRate);
  state.counters["flop_per_s"] = benchmark::Counter(
      trainee.FlopsOf(batch).total() * steps, benchmark::Counter::kIsRate);
}

// `made` against `wanted`, as a share of the largest.
bool Agree(const at::Tensor& made, const at::Tensor& wanted, double bound) {
  const at::Tensor want = wanted.to(at::kDouble);
  return made.to(at::kDouble).sub(want).abs().max().item<double>() <
         bound * want.abs().max().item<double>();
}

void Measure(benchmark::State& state, bool agrees,
             const std::function<at::Tensor()>& work) {
  if (!agrees) return state.SkipWithError("the result is not LibTorch's");
  for (int warm = 0; warm < 3; ++warm) Wait(work());
  // In tens, so that the waiting does not count.
  for (auto _ : state) {
    at::Tensor last;
    for (int i = 0; i < 10; ++i) last = work();
    Wait(last);
  }
  state.SetItemsProcessed(10 * state.iterations());
}

// One token of the feed-forward map of a 7B model.
void BM_DeviceNf4Row(benchmark::State& state, bool dense) {
  const c10::NoGradGuard off;
  const at::Tensor w = at::randn({11008, 4096}, kFloats).mul_(0.02);
  const kernels::Nf4Tensor q = kernels::QuantizeNf4(w, true);
  const at::Tensor x = at::randn({1, 4096}, kBf16s);
  const at::Tensor full = kernels::DequantizeNf4(q, at::kBFloat16);
  const bool agrees =
      kernels::HasNf4RowProduct(x, q) &&
      Agree(kernels::Nf4RowProduct(x, q), at::linear(x, full), 2e-2);
  Measure(state, agrees, [&] {
    return dense ? at::linear(x, full) : kernels::Nf4RowProduct(x, q);
  });
}

void BM_DeviceNf4Dequantize(benchmark::State& state) {
  const at::Tensor w = at::randn({11008, 4096}, kFloats).mul_(0.02);
  const kernels::Nf4Tensor q = kernels::QuantizeNf4(w, true);
  const bool near = Agree(kernels::DequantizeNf4(q, at::kFloat), w, 0.2);
  Measure(state, near,
          [&] { return kernels::DequantizeNf4(q, at::kBFloat16); });
  state.SetBytesProcessed(10 * state.iterations() * w.numel() * 2);
}

// 8 x 256 tokens, 32 heads of 128, there and back: one call over cu_seqlens,
// or one a sequence.
void BM_DeviceAttention(benchmark::State& state, bool one_call) {
  at::globalContext().setSDPUseCuDNN(false);
  const int64_t P = 8, T = 256, N = 32, H = 128;
  const auto drawn = [&] {
    return at::randn({1, P * T, N, H}, kBf16s)
        .transpose(1, 2)
        .detach()
        .requires_grad_(true);
  };
  at::Tensor q = drawn(), k = drawn(), v = drawn();
  Batch batch;
  batch.cu_seqlens = at::arange(0, (P + 1) * T, T, kFloats.dtype(at::kInt));
  batch.longest = T;
  const auto whole = [&] {
    return kernels::DefaultAttention(q, k, v, batch, 0.088);
  };
  const auto parts = [&] {
    std::vector<at::Tensor> outs;
    for (int64_t p = 0; p < P; ++p) {
      const auto part = [&](const at::Tensor& x) {
        return x.narrow(2, p * T, T);
      };
      outs.push_back(at::scaled_dot_product_attention(
          part(q), part(k), part(v), std::nullopt, 0.0, true, 0.088));
    }
    return at::cat(outs, 2);
  };
  Measure(state, Agree(whole().detach(), parts().detach(), 2e-2), [&] {
    (one_call ? whole() : parts()).sum().backward();
    return q.grad();
  });
}

// 1,024 targets over a vocabulary of 128,256, there and back.
void BM_DeviceHeadLoss(benchmark::State& state, bool whole_logits) {
  const int64_t M = 1024, D = 2048, V = 128256;
  at::Tensor h = at::randn({M, D}, kBf16s).requires_grad_(true);
  const at::Tensor w = at::randn({V, D}, kFloats).mul_(0.02);
  const at::Tensor label = at::randint(V, {M}, kFloats.dtype(at::kLong));
  const auto whole = [&] {
    return at::cross_entropy_loss(
        at::linear(h, w.to(at::kBFloat16)).to(at::kFloat), label, std::nullopt,
        at::Reduction::Sum);
  };
  const auto fused = [&] { return model::HeadLoss(h, w, label); };
  Measure(state, Agree(fused().detach(), whole().detach(), 1e-3), [&] {
    (whole_logits ? whole() : fused()).backward();
    return h.grad();
  });
}

void BM_DeviceOptimizer(benchmark::State& state, const char* name) {
  at::Tensor weight = at::randn({49152, 576}, kFloats).mul_(0.02);
  const at::Tensor start = weight.clone();
  weight.set_requires_grad(true);
  spec::RunConfig config;
  config.optimizer = name;
  const auto optimizer = train::MakeOptimizer(config, {{"w", weight}});
  if (!optimizer.ok()) return state.SkipWithError("no such optimizer");
  weight.mutable_grad() = at::randn({49152, 576}, kFloats).mul_(1e-3);
  (*optimizer)->Step(1e-3);
  const at::Tensor g = weight.grad().to(at::kDouble);
  const at::Tensor want = start.to(at::kDouble) - g / (g.abs() + 1e-8) * 1e-3;
  Measure(state, Agree(weight.detach(), want, 1e-5), [&] {
    (*optimizer)->Step(1e-3);
    return weight.detach();
  });
}

const bool kDeviceRegistered = [] {
  if (!at::hasCUDA()) return false;
  const auto add = [](const std::string& name, auto run) {
    benchmark::RegisterBenchmark(name.c_str(), run)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  };
  for (const char* method : {"full", "hft", "lora", "qlora"}) {
    for (const auto& [type, dtype] :
         {std::pair{"bf16", at::kBFloat16}, {"f32", at::kFloat}}) {
      for (bool captured : {true, false}) {
        add(std::string("BM_DeviceStep/") + method + "/" + type +
                (captured ? "/captured" : "/kernels"),
            [=](benchmark::State& state) {
              BM_DeviceStep(state, method, dtype, captured);
            });
      }
    }
  }
  for (bool other : {false, true}) {
    const std::string way = other ? "/libtorch" : "/ours";
    add("BM_DeviceNf4Row" + way,
        [=](benchmark::State& state) { BM_DeviceNf4Row(state, other); });
    add("BM_DeviceAttention" + way,
        [=](benchmark::State& state) { BM_DeviceAttention(state, !other); });
    add("BM_DeviceHeadLoss" + way,
        [=](benchmark::State& state) { BM_DeviceHeadLoss(state, other); });
  }
  add("BM_DeviceNf4Dequantize", BM_DeviceNf4Dequantize);
  for (const char* name : {"adamw", "adamw_8bit", "adamw_paged"}) {
    add(std::string("BM_DeviceOptimizer/") + name,
        [=](benchmark::State& state) { BM_DeviceOptimizer(state, name); });
  }
  return true;
}();

}  // namespace
}  // namespace sft::bench
