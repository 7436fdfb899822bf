// Tokens a CPU-second of greedy generation by the default model, prompts read
// included, one thread or as many as OMP_NUM_THREADS says; batches of 1 and 8.
#include "tests/bench/bench_inputs.h"

namespace sft::bench {
namespace {

void BM_GenerateGreedy(benchmark::State& state, const std::string& form) {
  Model* model = ModelOf(form, state);
  if (model == nullptr) return;
  const Inputs& inputs = AllInputs();
  const auto first = [&](const std::vector<Ids>& of) {
    return std::vector<Ids>(of.begin(), of.begin() + state.range(0));
  };
  const std::vector<Ids> prompts = first(inputs.prompts);
  const std::vector<Ids> wanted = first(inputs.answers);
  for (auto _ : state) {
    const auto answers = model->GenerateGreedy(prompts, inputs.new_tokens, {});
    // The result first. In f32 these are transformers' answers; others round
    // on their own, but no answer ends before its time.
    bool right = form != "f32" || answers == wanted;
    for (const Ids& answer : answers) {
      right = right && std::ssize(answer) == inputs.new_tokens;
    }
    if (!right) {
      state.SkipWithError("the answers are not transformers'");
      return;
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) *
                          inputs.new_tokens);
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
