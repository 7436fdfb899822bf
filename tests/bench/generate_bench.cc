// Tokens a second of greedy generation by the default model, one thread or as
// many as OMP_NUM_THREADS says; batches of 1 and 8.
#include <benchmark/benchmark.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/model/load.h"
#include "tests/support/paths.h"

namespace sft {
namespace {

constexpr int64_t kNewTokens = 32;

void BM_GenerateGreedy(benchmark::State& state) {
  const auto where = LocateModel("smollm2-135m-instruct", AssetsDir().string());
  if (!where.ok()) {
    state.SkipWithError("the default model is not here");
    return;
  }
  const auto model = LoadModel(*where, {});
  std::ifstream file(SourceDir() / "tests/golden/smollm2_generate.json");
  const nlohmann::json golden = nlohmann::json::parse(file);
  if (!model.ok()) {
    state.SkipWithError("the default model cannot be read");
    return;
  }
  // The first of them answer without an end of turn.
  std::vector<std::vector<int32_t>> prompts, answers;
  for (int64_t i = 0; i < state.range(0); ++i) {
    prompts.push_back(golden["prompts"][i]["ids"]);
    answers.push_back(golden["prompts"][i]["answer"]);
  }
  for (auto _ : state) {
    // The result first: these are transformers' answers.
    if ((*model)->GenerateGreedy(prompts, kNewTokens, {}) != answers) {
      state.SkipWithError("the answers are not transformers'");
      return;
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * kNewTokens);
}
BENCHMARK(BM_GenerateGreedy)
    ->Arg(1)
    ->Arg(8)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace sft
