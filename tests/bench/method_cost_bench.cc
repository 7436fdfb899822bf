// What a step of every update method costs beside full fine-tuning, and beside
// what the FLOP model says: both in one process, a step of either in turns, so
// that whatever else the machine does falls on both. scripts/method_cost.py
// prints the table.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/core/rng.h"
#include "harness/core/tensor_allocator.h"
#include "harness/model/load/load.h"
#include "methods/registry.h"
#include "tests/bench/trainee.h"
#include "tests/support/paths.h"
#include "tests/support/random_decoder.h"

namespace sft::bench {
namespace {

struct CostedWay {
  std::string name, method;
  std::map<std::string, std::string> options = {};
};

// Every method with its defaults, and those options that change what a step
// computes.
std::vector<CostedWay> CostedWays() {
  std::vector<CostedWay> ways;
  for (const train::UpdateMethodRow& row : methods::AllMethods().update) {
    if (row.name == spec::kUntuned) continue;
    ways.push_back({row.name, row.name});
    for (const FieldSpec& field : row.options) {
      // Any name: the rows come from here.
      if (field.name == row.name + ".calibration_from") {
        ways.back().options[field.name] = "rows";
      }
    }
  }
  ways.push_back({"dora", "lora", {{"lora.dora", "true"}}});
  ways.push_back({"rslora", "lora", {{"lora.rslora", "true"}}});
  ways.push_back({"pissa", "lora", {{"lora.init", "pissa"}}});
  return ways;
}

int64_t StateBytesNow() {
  const TensorMemory memory = CurrentTensorMemory();
  return memory.bytes[static_cast<int>(MemoryUse::kOptimizer)];
}

std::unique_ptr<Trainee> MakeTrainee(const CostedWay& way,
                                     const std::vector<Example>& calibration) {
  auto where = model::LocateModel("smollm2-135m-instruct",
                                  support::AssetsDir().string());
  if (!where.ok()) return nullptr;
  auto loaded = model::LoadModel(*where, {.compute_dtype = at::kBFloat16});
  if (!loaded.ok()) return nullptr;
  return std::make_unique<Trainee>(*std::move(loaded), way.method, way.options,
                                   calibration);
}

std::vector<Example> RowsOf(const std::vector<int64_t>& lengths,
                            int64_t vocabulary) {
  Rng rng(1, Stream::kMethod, "method_cost_bench");
  std::vector<Example> rows;
  for (const int64_t length : lengths) {
    rows.push_back(support::RandomRow(length, vocabulary, rng));
  }
  return rows;
}

void Count(benchmark::State& state, const std::string& whose,
           const StepParts& parts, const measure::Flops& flops) {
  const auto n = static_cast<double>(state.iterations());
  state.counters[absl::StrCat(whose, "forward_s")] = parts.forward / n;
  state.counters[absl::StrCat(whose, "backward_s")] = parts.backward / n;
  state.counters[absl::StrCat(whose, "method_s")] = parts.method / n;
  state.counters[absl::StrCat(whose, "moving_s")] = parts.moving / n;
  state.counters[absl::StrCat(whose, "forward_flops")] = flops.forward;
  state.counters[absl::StrCat(whose, "backward_flops")] =
      flops.backward_inputs + flops.backward_weights;
}

StepParts& operator+=(StepParts& sum, const StepParts& more) {
  sum.forward += more.forward;
  sum.backward += more.backward;
  sum.method += more.method;
  sum.moving += more.moving;
  return sum;
}

// A pack of 512 tokens in bf16 on one thread.
void BM_MethodCost(benchmark::State& state, const CostedWay& way) {
  at::set_num_threads(1);
  static const std::unique_ptr<Trainee> full =
      MakeTrainee({"full", "full"}, {});
  if (full == nullptr) {
    state.SkipWithError("the default model is not here");
    return;
  }
  const int64_t vocabulary = full->model().info().vocabulary;
  const std::vector<Example> rows = RowsOf({254, 161, 97}, vocabulary);
  const Batch batch =
      data::FlatBatch(rows, {{0, 0, 254}, {1, 0, 161}, {2, 0, 97}});
  // The first step of either warms up, and makes what is made in it.
  static const double first_loss = full->Step(batch);
  const int64_t before = StateBytesNow();
  const std::unique_ptr<Trainee> trainee =
      MakeTrainee(way, RowsOf(std::vector<int64_t>(8, 64), vocabulary));
  // The result first: attached, it is the same model, but for rounded weights.
  const double loss = trainee->Step(batch);
  if (!(std::fabs(loss - first_loss) < 0.05 * first_loss)) {
    state.SkipWithError("attaching changes the loss");
    return;
  }
  state.counters["state_bytes"] = static_cast<double>(StateBytesNow() - before);
  state.counters["predicted_state_bytes"] =
      static_cast<double>(trainee->PredictedStateBytes());
  StepParts of_full, of_way;
  for (auto _ : state) {
    StepParts parts;
    full->Step(batch, nullptr, &parts);
    of_full += parts;
    parts = {};
    trainee->Step(batch, nullptr, &parts);
    of_way += parts;
  }
  Count(state, "full_", of_full, full->FlopsOf(batch));
  Count(state, "", of_way, trainee->FlopsOf(batch));
  state.counters["begin_s"] = trainee->begin_seconds();
  state.counters["calibration_s"] = trainee->calibration_seconds();
}

const bool kCostsRegistered = [] {
  for (const CostedWay& way : CostedWays()) {
    benchmark::RegisterBenchmark(
        absl::StrCat("BM_MethodCost/", way.name).c_str(),
        [way](benchmark::State& state) { BM_MethodCost(state, way); })
        ->Iterations(5)
        ->Unit(benchmark::kMillisecond)
        ->MeasureProcessCPUTime();
  }
  return true;
}();

}  // namespace
}  // namespace sft::bench
