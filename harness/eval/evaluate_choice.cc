#include "harness/eval/evaluate_choice.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/core/status.h"
#include "harness/eval/continuations.h"
#include "harness/eval/eval_support.h"
#include "harness/eval/metrics.h"

namespace sft {
namespace {

std::string Where(const EvalInput& input, const Row& row) {
  return absl::StrCat(input.name, ": row ", row.id);
}

absl::StatusOr<Continuations> Render(const EvalInput& input, const Row& row,
                                     const Tokenizer& tokenizer,
                                     const std::vector<std::string>& answers) {
  Continuations out;
  out.row_id = row.id;
  SFT_ASSIGN_OR_RETURN(out.prompt,
                       RenderPrompt(row, *input.task, tokenizer, input.render));
  if (out.prompt.empty()) return InputError(Where(input, row), "empty prompt");
  for (const std::string& answer : answers) {
    out.answers.push_back(
        RenderAnswer(answer, *input.task, tokenizer, input.render));
    if (answer.empty() || out.answers.back().empty()) {
      return InputError(Where(input, row),
                        absl::StrCat("the answer '", answer, "' has no token"));
    }
  }
  return out;
}

// Scores of every row, all of them finite.
absl::StatusOr<std::vector<std::vector<ContinuationScore>>> Score(
    Model& model, const EvalInput& input,
    const std::vector<Continuations>& prompts, const EvalOptions& options,
    int64_t* tokens) {
  auto scores =
      ScoreContinuations(model, prompts, options.max_tokens_a_batch, tokens);
  for (size_t r = 0; r < scores.size(); ++r) {
    for (const ContinuationScore& score : scores[r]) {
      if (std::isfinite(score.log_probability)) continue;
      return absl::OutOfRangeError(absl::StrCat(
          Where(input, input.rows[r]), ": an answer's log-probability is ",
          score.log_probability,
          ", wanted a finite number: the model has diverged"));
    }
  }
  return scores;
}

absl::StatusOr<std::string> Detail(const std::string& what,
                                   const EvalInput& input,
                                   const Tokenizer& tokenizer) {
  SFT_ASSIGN_OR_RETURN(const std::string form,
                       EffectiveForm(*input.task, tokenizer, input.render));
  return absl::StrCat(what, "|form:", form,
                      "|max_length:", input.render.max_length);
}

// The first of the largest.
template <class Value>
int64_t Best(const std::vector<ContinuationScore>& scores, Value value) {
  int64_t best = 0;
  for (int64_t k = 1; k < std::ssize(scores); ++k) {
    if (value(k) > value(best)) best = k;
  }
  return best;
}

}  // namespace

absl::StatusOr<EvalRecord> EvaluateChoice(Model& model,
                                          const Tokenizer& tokenizer,
                                          const EvalInput& input,
                                          const EvalOptions& options) {
  const Stopwatch watch;
  if (input.rows.empty()) return InputError(input.name, "no row to evaluate");
  EvalRecord record = StartRecord(input.name, options);
  std::vector<Continuations> prompts;
  for (const Row& row : input.rows) {
    if (row.choices.size() < 2 || row.label < 0 ||
        row.label >= std::ssize(row.choices)) {
      return InputError(Where(input, row),
                        absl::StrCat("label ", row.label, " of ",
                                     row.choices.size(), " choices"));
    }
    record.row_ids.push_back(row.id);
    record.references.push_back(row.label);
    SFT_ASSIGN_OR_RETURN(Continuations item,
                         Render(input, row, tokenizer, row.choices));
    prompts.push_back(std::move(item));
  }
  SFT_ASSIGN_OR_RETURN(const auto scores,
                       Score(model, input, prompts, options, &record.tokens));
  std::vector<int64_t> normed;
  for (size_t r = 0; r < scores.size(); ++r) {
    const auto sum = [&](int64_t k) { return scores[r][k].log_probability; };
    const std::vector<std::string>& choices = input.rows[r].choices;
    record.predictions.push_back(Best(scores[r], sum));
    normed.push_back(Best(scores[r], [&](int64_t k) {
      return sum(k) / static_cast<double>(choices[k].size());
    }));
  }
  SFT_ASSIGN_OR_RETURN(const std::string detail,
                       Detail("score:sum-logprob-choice", input, tokenizer));
  MetricRecord norm = Accuracy(normed, record.references);
  const MetricRecord named = MakeMetric("accuracy_norm", detail);
  norm.name = named.name;
  norm.signature = named.signature;
  record.metrics = {Accuracy(record.predictions, record.references, detail),
                    std::move(norm)};
  const std::vector<std::string>& wanted = input.task->metrics;
  if (!wanted.empty() && wanted[0] == "accuracy_norm") {
    std::swap(record.metrics[0], record.metrics[1]);
  }
  record.wall_seconds = watch.Seconds();
  return record;
}

absl::StatusOr<EvalRecord> EvaluateLastWord(Model& model,
                                            const Tokenizer& tokenizer,
                                            const EvalInput& input,
                                            const EvalOptions& options) {
  const Stopwatch watch;
  if (input.rows.empty()) return InputError(input.name, "no row to evaluate");
  EvalRecord record = StartRecord(input.name, options);
  std::vector<Continuations> prompts;
  double tokens = 0;
  for (const Row& row : input.rows) {
    record.row_ids.push_back(row.id);
    if (row.turns.empty() || row.turns.back().role != "assistant") {
      return InputError(Where(input, row), "the last turn is no assistant's");
    }
    SFT_ASSIGN_OR_RETURN(
        Continuations item,
        Render(input, row, tokenizer, {row.turns.back().content}));
    tokens += static_cast<double>(item.answers[0].size());
    prompts.push_back(std::move(item));
  }
  SFT_ASSIGN_OR_RETURN(const auto scores,
                       Score(model, input, prompts, options, &record.tokens));
  SFT_ASSIGN_OR_RETURN(const std::string detail,
                       Detail("over:answer-tokens", input, tokenizer));
  MetricRecord accuracy = MakeMetric("accuracy");
  accuracy.signature = "accuracy|every-answer-token-is-the-argmax|" + detail;
  MetricRecord perplexity = MakeMetric("perplexity", detail);
  double nats = 0;
  for (const auto& score : scores) {
    accuracy.items.push_back(score[0].likeliest);
    accuracy.value += score[0].likeliest;
    nats -= score[0].log_probability;
  }
  accuracy.value /= static_cast<double>(scores.size());
  perplexity.value = std::exp(nats / tokens);
  record.metrics = {std::move(accuracy), std::move(perplexity)};
  record.wall_seconds = watch.Seconds();
  return record;
}

}  // namespace sft
