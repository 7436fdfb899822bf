// One optimizer step of every update and batching method on the default model,
// with its share of the machine's rate; and how time and memory of a step grow
// with length and model size, on random weights.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "harness/core/rng.h"
#include "harness/core/stopwatch.h"
#include "harness/core/tensor_allocator.h"
#include "harness/data/collator.h"
#include "harness/kernels/product/matrix_product.h"
#include "harness/measure/flops.h"
#include "harness/measure/throughput.h"
#include "harness/model/load/load.h"
#include "harness/model/ops/linear_product.h"
#include "methods/registry.h"
#include "tests/bench/trainee.h"
#include "tests/support/paths.h"
#include "tests/support/random_decoder.h"

namespace sft::bench {
namespace {

// As the program does in main().
const bool kInstalled = InstallTensorAllocator();

// The best rate of the products that the model makes: forward, of the input's
// and of the weight's gradient, for the shapes of a block and the head; by
// LibTorch and as the model makes them.
double CeilingFlopsPerSecond(model::Model& model, at::ScalarType dtype,
                             int64_t tokens) {
  const c10::NoGradGuard off;
  const model::ModelInfo& info = model.info();
  const auto options = at::TensorOptions().dtype(dtype);
  double best = 0;
  for (const auto& [out, in] : {std::pair{info.width, info.width},
                                {info.ffn_width, info.width},
                                {info.width, info.ffn_width},
                                {info.vocabulary, info.width}}) {
    const int64_t rows = out == info.vocabulary ? 512 : tokens;
    const at::Tensor x = at::randn({rows, in}, options),
                     w = at::randn({out, in}, options),
                     g = at::randn({rows, out}, options);
    const double flops = 2.0 * static_cast<double>(rows * out * in);
    for (int repeat = 0; repeat < 4; ++repeat) {
      for (int product = 0; product < 6; ++product) {
        const Stopwatch watch;
        if (product == 0) at::linear(x, w);
        if (product == 1) at::mm(g, w);
        if (product == 2) at::mm(g.t(), x);
        if (product == 3) model::LinearProduct(x, w, at::Tensor());
        if (product == 4) model::InputGradient(g, w);
        if (product == 5) kernels::MatrixProduct(g.t(), x);
        if (repeat == 0) continue;  // to warm up
        best = std::max(best, flops / absl::ToDoubleSeconds(watch.Cpu()));
      }
    }
  }
  return best;
}

// Times the benchmark's steps. The rate is that of the fastest: like the
// ceiling, which is the best of many products, it is of the moments in which a
// shared machine was the least disturbed; a mean against it measures the
// neighbours as well, and stands beside it.
void MeasureSteps(benchmark::State& state, Trainee& trainee, const Batch& batch,
                  double ceiling) {
  double least = std::numeric_limits<double>::infinity(), sum = 0;
  for (auto _ : state) {
    const Stopwatch watch;
    trainee.Step(batch);
    const double cpu_seconds = absl::ToDoubleSeconds(watch.Cpu());
    least = std::min(least, cpu_seconds);
    sum += cpu_seconds;
  }
  const double flops = trainee.FlopsOf(batch).total();
  state.counters["tokens_per_cpu_s"] =
      static_cast<double>(batch.real_tokens) / least;
  state.counters["utilisation"] = flops / least / ceiling;
  state.counters["mean_utilisation"] =
      flops * static_cast<double>(state.iterations()) / sum / ceiling;
  state.counters["ceiling_gflops"] = ceiling * 1e-9;
  const double peak = static_cast<double>(PeakTensorMemory().total());
  state.counters["tensor_mib"] = peak / (1 << 20);
  state.counters["predicted_share"] =
      static_cast<double>(trainee.PredictedBytes(batch)) / peak;
}

// Twelve rows as long as an instruction set's; four a micro-batch, or bins of
// 512 tokens.
void BM_Step(benchmark::State& state, const std::string& method,
             const std::string& batching, at::ScalarType dtype) {
  at::set_num_threads(1);
  const auto where = model::LocateModel("smollm2-135m-instruct",
                                        support::AssetsDir().string());
  if (!where.ok()) {
    state.SkipWithError("the default model is not here");
    return;
  }
  auto loaded = model::LoadModel(*where, {.compute_dtype = dtype});
  if (!loaded.ok()) {
    state.SkipWithError("the default model cannot be read");
    return;
  }
  Trainee trainee(*std::move(loaded), method);
  Rng rng(1, Stream::kMethod, "step_bench");
  std::vector<Example> rows;
  for (int64_t length :
       {161, 97, 311, 205, 142, 488, 120, 64, 254, 180, 133, 276}) {
    rows.push_back(
        support::RandomRow(length, trainee.model().info().vocabulary, rng));
  }
  Batch batch, same;
  if (batching == "padded") {
    std::vector<data::Piece> four;
    for (int64_t i = 0; i < 4; ++i) {
      four.push_back({i, 0, std::ssize(rows[i].input_ids)});
    }
    batch = data::PaddedBatch(rows, four, 0, 0);
    same = data::FlatBatch(rows, four);
  } else {
    // 488; 311 + 180; 276 + 205; 254 + 161 + 97
    const std::vector<int64_t> order =
        batching == "packed" ? std::vector<int64_t>{5, 2, 9, 11, 3, 8, 0, 1}
                             : std::vector<int64_t>{0, 1, 2, 3};
    std::vector<data::Piece> pieces, back;
    for (int64_t i : order) {
      pieces.push_back({i, 0, std::ssize(rows[i].input_ids)});
    }
    back.assign(pieces.rbegin(), pieces.rend());
    batch = data::FlatBatch(rows, pieces);
    same = data::FlatBatch(rows, back);
  }
  {  // The result first: another layout of the same rows has the same loss.
    const c10::NoGradGuard off;
    const double a = trainee.model().SumLoss(batch).loss_sum.item<double>();
    const double b = trainee.model().SumLoss(same).loss_sum.item<double>();
    if (!(std::fabs(a - b) < 1e-3 * std::fabs(a))) {
      state.SkipWithError("the layout changes the loss");
      return;
    }
  }
  const double ceiling =
      CeilingFlopsPerSecond(trainee.model(), dtype, batch.slots());
  ReleaseFreeTensorMemory();
  ResetPeakTensorMemory();
  trainee.Step(batch);
  MeasureSteps(state, trainee, batch, ceiling);
}

constexpr support::DecoderSize kSizes[] = {
    {"15M", 6, 288, 6, 6, 768, 32000},
    {"42M", 8, 512, 8, 8, 1376, 32000},
    support::kSize135M,
    {"360M", 32, 960, 15, 5, 2560, 49152}};

// 4,096 tokens in sequences of range(1); size range(0).
void BM_StepBySizeAndLength(benchmark::State& state) {
  at::set_num_threads(1);
  const support::DecoderSize& size = kSizes[state.range(0)];
  const int64_t length = state.range(1);
  Trainee trainee(support::RandomDecoder(size, at::kBFloat16), "full");
  Rng rng(1, Stream::kMethod, "step_bench");
  std::vector<Example> rows;
  std::vector<data::Piece> pieces;
  for (int64_t i = 0; i < 4096 / length; ++i) {
    rows.push_back(support::RandomRow(length, size.vocabulary, rng));
    pieces.push_back({i, 0, length});
  }
  const Batch batch = data::FlatBatch(rows, pieces);
  const double ceiling =
      CeilingFlopsPerSecond(trainee.model(), at::kBFloat16, 2048);
  ReleaseFreeTensorMemory();
  ResetPeakTensorMemory();
  // The result first: random weights know nothing.
  const double loss = trainee.Step(batch);
  if (std::fabs(loss - std::log(static_cast<double>(size.vocabulary))) > 0.5) {
    state.SkipWithError("a fresh model's loss is not that of a guess");
    return;
  }
  state.SetLabel(size.name);
  state.counters["gflop_per_token"] = trainee.FlopsOf(batch).total() * 1e-9 /
                                      static_cast<double>(batch.real_tokens);
  MeasureSteps(state, trainee, batch, ceiling);
}
BENCHMARK(BM_StepBySizeAndLength)
    ->ArgsProduct({{0, 1, 2, 3}, {128, 512, 2048, 4096}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();

const bool kStepsRegistered = [] {
  for (const train::UpdateMethodRow& method : methods::AllMethods().update) {
    if (method.name == spec::kUntuned) continue;  // takes no step
    for (const char* batching : {"padded", "padding_free", "packed"}) {
      for (const auto& [name, dtype] :
           {std::pair{"f32", at::kFloat}, {"bf16", at::kBFloat16}}) {
        benchmark::RegisterBenchmark(
            ("BM_Step/" + method.name + "/" + batching + "/" + name).c_str(),
            [method = method.name, batching = std::string(batching),
             dtype = dtype](benchmark::State& state) {
              BM_Step(state, method, batching, dtype);
            })
            ->Iterations(5)
            ->Unit(benchmark::kMillisecond)
            ->MeasureProcessCPUTime();
      }
    }
  }
  return kInstalled;
}();

}  // namespace
}  // namespace sft::bench
