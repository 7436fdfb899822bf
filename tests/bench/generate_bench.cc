// Tokens a CPU-second of greedy generation by the default model, prompts read
// included, one thread or as many as OMP_NUM_THREADS says: 8 prompts, in
// batches of 1 and 8.
#include "tests/bench/bench_inputs.h"

namespace sft::bench {
namespace {

void BM_GenerateGreedy(benchmark::State& state, const std::string& form) {
  model::Model* model = ModelOf(form, state);
  if (model == nullptr) return;
  const Inputs& inputs = AllInputs();
  const int64_t batch = state.range(0), prompts = std::ssize(inputs.prompts);
  for (auto _ : state) {
    std::vector<Ids> answers;
    for (int64_t i = 0; i < prompts; i += batch) {
      const auto from = inputs.prompts.begin() + i;
      const auto of_batch = model->GenerateGreedy(
          {from, from + std::min(batch, prompts - i)}, inputs.new_tokens, {});
      answers.insert(answers.end(), of_batch.begin(), of_batch.end());
    }
    // The result first. In f32 these are transformers' answers; others round
    // on their own, but no answer ends before its time.
    bool right = form != "f32" || answers == inputs.answers;
    for (const Ids& answer : answers) {
      right = right && std::ssize(answer) == inputs.new_tokens;
    }
    if (!right) {
      state.SkipWithError("the answers are not transformers'");
      return;
    }
  }
  state.SetItemsProcessed(state.iterations() * prompts * inputs.new_tokens);
}
#define SFT_GENERATE(form)                          \
  BENCHMARK_CAPTURE(BM_GenerateGreedy, form, #form) \
      ->Arg(1)                                      \
      ->Arg(8)                                      \
      ->Unit(benchmark::kMillisecond)               \
      ->MeasureProcessCPUTime()
SFT_GENERATE(f32);
SFT_GENERATE(bf16);
SFT_GENERATE(nf4);

}  // namespace
}  // namespace sft::bench
