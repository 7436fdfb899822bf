// A step of the optimizers over one parameter of the default model's size of
// embedding, one thread: 28 million weights. Each case first compares a step
// with the formula in f64; from moments of zero that is the 8-bit step's too,
// for moments are rounded behind it.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include "harness/core/tensor_allocator.h"
#include "harness/train/optimizers/registry.h"

namespace sft::bench {
namespace {

constexpr double kRate = 1e-3;

void BM_OptimizerStep(benchmark::State& state, const char* name) {
  static const bool large_pages = InstallTensorAllocator();
  static_cast<void>(large_pages);
  at::set_num_threads(1);
  const at::Tensor weight = at::randn({49152, 576}).mul_(0.02);
  const at::Tensor start = weight.clone();
  weight.set_requires_grad(true);
  spec::RunConfig config;
  config.optimizer = name;
  config.weight_decay = 0.1;
  const auto optimizer = train::MakeOptimizer(config, {{"w", weight}});
  if (!optimizer.ok()) return state.SkipWithError("no such optimizer");
  weight.mutable_grad() = at::randn({49152, 576}).mul_(1e-3);
  (*optimizer)->Step(kRate);
  const at::Tensor g = weight.grad()[7].to(at::kDouble);
  const at::Tensor want = start[7].to(at::kDouble) * (1 - kRate * 0.1) -
                          g / (g.abs() + 1e-8) * kRate;
  if ((weight.detach()[7] - want).abs().max().item<double>() > 1e-7) {
    return state.SkipWithError("the step is not AdamW's");
  }
  for (auto _ : state) (*optimizer)->Step(kRate);
  state.SetItemsProcessed(state.iterations() * weight.numel());
  state.counters["state_bytes_a_weight"] =
      static_cast<double>((*optimizer)->StateBytes()) /
      static_cast<double>(weight.numel());
}
BENCHMARK_CAPTURE(BM_OptimizerStep, f32, "adamw")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_OptimizerStep, 8bit, "adamw_8bit")
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sft::bench
