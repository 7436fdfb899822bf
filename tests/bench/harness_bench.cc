// What a sweep does around its training: tokens of text, reading a model,
// planning, writing a record.
#include <benchmark/benchmark.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/launch/model_facts.h"
#include "harness/model/load/load.h"
#include "harness/record/run_record.h"
#include "tests/harness/record/sample_record.h"
#include "tests/harness/spec/spec_tables.h"
#include "tests/support/paths.h"

namespace sft::bench {
namespace {

constexpr char kModel[] = "smollm2-135m-instruct";

// The strings of the golden file, whose ids the first pass must give.
void BM_Tokenize(benchmark::State& state) {
  const auto where = model::LocateModel(kModel, support::AssetsDir().string());
  const auto tokenizer =
      where.ok() ? launch::LoadTokenizerOf(*where) : where.status();
  if (!tokenizer.ok()) {
    state.SkipWithError("the default model's tokenizer is not here");
    return;
  }
  std::ifstream file(support::SourceDir() / "tests/golden/smollm2_tokens.json");
  std::vector<std::string> texts;
  int64_t bytes = 0;
  const nlohmann::json golden = nlohmann::json::parse(file);
  for (const auto& item : golden.at("cases")) {
    texts.push_back(item.at("text"));
    bytes += std::ssize(texts.back());
    if ((*tokenizer)->Encode(texts.back()) !=
        item.at("ids").get<std::vector<int32_t>>()) {
      state.SkipWithError("other ids than those of `tokenizers`");
      return;
    }
  }
  int64_t tokens = 0;
  for (auto _ : state) {
    for (const std::string& text : texts) {
      tokens += std::ssize((*tokenizer)->Encode(text));
    }
  }
  state.SetBytesProcessed(state.iterations() * bytes);
  state.SetItemsProcessed(tokens);
}
BENCHMARK(BM_Tokenize)->Unit(benchmark::kMillisecond);

void BM_LoadModel(benchmark::State& state) {
  const auto where = model::LocateModel(kModel, support::AssetsDir().string());
  if (!where.ok()) {
    state.SkipWithError("the default model is not here");
    return;
  }
  for (auto _ : state) {
    const auto model = model::LoadModel(*where, {.compute_dtype = at::kFloat});
    if (!model.ok() || (*model)->info().name.empty()) {
      state.SkipWithError("the default model cannot be read");
      return;
    }
  }
}
BENCHMARK(BM_LoadModel)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

void BM_ExpandPlan(benchmark::State& state) {
  for (auto _ : state) {
    const auto plan = spec::PlanOf(spec::kDesignSpec);
    // An untuned run beside 2 x 2 x 3 x 2 full or HFT cells and twice as many
    // with LoRA's two ranks.
    if (!plan.ok() || plan->runs.size() != 1 + 24 + 48) {
      state.SkipWithError("another plan than the design's");
      return;
    }
  }
}
BENCHMARK(BM_ExpandPlan)->Unit(benchmark::kMillisecond);

// Cells of full fine-tuning and LoRA, each with its baseline and its id: 100 to
// 100,000 of them, by their seeds.
void BM_ExpandCells(benchmark::State& state) {
  constexpr int64_t kSeedCells = 50;  // 5 rates x (1 + 9 ranks)
  const int64_t cells = state.range(0);
  const std::string text = absl::StrCat(
      "train: [rotten_tomatoes]\n"
      "evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}\n"
      "budget: {steps: 100}\n"
      "grid: {method: [full, lora], lora.rank: {range: [1, 10]}, "
      "learning_rate: {logspace: [1e-5, 1e-3, 5]}, seed: {range: [0, ",
      cells / kSeedCells, "]}}\nbaseline: {method: full}\n");
  for (auto _ : state) {
    const auto plan = spec::PlanOf(text);
    if (!plan.ok() || std::ssize(plan->runs) != 1 + cells ||
        plan->runs.back().baseline_id.empty()) {
      state.SkipWithError("another plan than the grid's");
      return;
    }
  }
  state.SetItemsProcessed(state.iterations() * cells);
}
BENCHMARK(BM_ExpandCells)
    ->Arg(100)
    ->Arg(10000)
    ->Arg(100000)
    ->Unit(benchmark::kMillisecond);

void BM_WriteRecord(benchmark::State& state) {
  const record::ScratchFolder folder;
  record::RunRecord record = record::SampleRecord();
  while (record.steps.size() < 1000) {
    record.steps.push_back(record.steps.front());
  }
  const std::string path = folder / "a.h5";
  for (auto _ : state) {
    if (!record::WriteRunRecord(record, path).ok()) {
      state.SkipWithError("the record cannot be written");
      return;
    }
  }
  const auto read = record::ReadRunRecord(path);
  if (!read.ok() || read->steps.size() != record.steps.size()) {
    state.SkipWithError("another record is read than was written");
  }
}
BENCHMARK(BM_WriteRecord)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sft::bench
