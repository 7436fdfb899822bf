// Likelihood measures by the default model: choices a CPU-second, the context
// of a question read once, and tokens a CPU-second of perplexity over windows.
#include <cmath>

#include "harness/data/collator.h"
#include "harness/eval/scoring.h"
#include "tests/bench/bench_inputs.h"

namespace sft::bench {
namespace {

constexpr int64_t kTokensABatch = 2048;

// Two f32 sums over some dozen tokens of a 30-layer model, or in bf16.
double Bound(const std::string& form) { return form == "f32" ? 2e-3 : 1.0; }

Example Unlabelled(const Ids& ids) {
  Example example;
  example.input_ids = ids;
  example.labels.assign(ids.size(), kNoLoss);
  return example;
}

void BM_ScoreChoices(benchmark::State& state, const std::string& form) {
  model::Model* model = ModelOf(form, state);
  if (model == nullptr) return;
  const std::vector<eval::Continuations>& questions = AllInputs().questions;
  // The result first: a choice alone shares nothing.
  for (const eval::Continuations& question :
       {questions.front(), questions.back()}) {
    const auto shared =
        eval::ScoreContinuations(*model, {question}, kTokensABatch, nullptr)[0];
    for (size_t k = 0; k < question.answers.size(); ++k) {
      const auto alone = eval::ScoreContinuations(
          *model, {{0, question.prompt, {question.answers[k]}}}, kTokensABatch,
          nullptr)[0][0];
      if (!(std::fabs(shared[k].log_probability - alone.log_probability) <
            Bound(form))) {
        state.SkipWithError("shared contexts change the scores");
        return;
      }
    }
  }
  double sum = 0;
  int64_t choices = 0;
  for (auto _ : state) {
    sum = 0;
    for (const auto& scores :
         eval::ScoreContinuations(*model, questions, kTokensABatch, nullptr)) {
      for (const eval::ContinuationScore& score : scores)
        sum += score.log_probability;
      choices += std::ssize(scores);
    }
  }
  state.SetItemsProcessed(choices);
  state.counters["sum_log_p"] = sum;
}

void BM_Perplexity(benchmark::State& state, const std::string& form) {
  model::Model* model = ModelOf(form, state);
  if (model == nullptr) return;
  const std::vector<Ids>& windows = AllInputs().windows;
  std::vector<Example> examples;
  std::vector<eval::Wanted> wanted;
  for (const Ids& window : windows) {
    for (int64_t t = 1; t < std::ssize(window); ++t) {
      wanted.push_back({std::ssize(examples), t - 1, window[t]});
    }
    examples.push_back(Unlabelled(window));
  }
  const eval::EvalScope scope(*model);
  const auto nats_of_all = [&] {
    double nats = 0;
    for (double log_p : eval::LogProbabilities(*model, examples, wanted,
                                               kTokensABatch, nullptr)) {
      nats -= log_p;
    }
    return nats;
  };
  const double nats = nats_of_all();
  // The loss that training has, by another computation.
  double loss = 0;
  for (Example example : examples) {
    example.labels = example.input_ids;
    example.labels[0] = kNoLoss;
    const int64_t length = std::ssize(example.input_ids);
    loss += model->SumLoss(data::FlatBatch({example}, {{0, 0, length}}))
                .loss_sum.item<double>();
  }
  if (!(std::fabs(loss - nats) < 1e-3 * Bound(form) * loss + 1e-3 * loss)) {
    state.SkipWithError("the perplexity is not that of the loss");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(nats_of_all());
  state.SetItemsProcessed(state.iterations() * std::ssize(wanted));
  state.counters["perplexity"] =
      std::exp(nats / static_cast<double>(wanted.size()));
}

#define SFT_EVAL(name, form)           \
  BENCHMARK_CAPTURE(name, form, #form) \
      ->Unit(benchmark::kMillisecond)  \
      ->MeasureProcessCPUTime()
SFT_EVAL(BM_ScoreChoices, f32);
SFT_EVAL(BM_ScoreChoices, bf16);
SFT_EVAL(BM_Perplexity, f32);
SFT_EVAL(BM_Perplexity, bf16);

}  // namespace
}  // namespace sft::bench
