#include "harness/eval/evaluate_choice.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/eval/eval_support.h"
#include "harness/eval/row_answers.h"
#include "harness/metrics/likeliest_choice.h"
#include "harness/metrics/metric_records.h"

namespace sft::eval {
namespace {

std::string Where(const EvalInput& input, const data::Row& row) {
  return absl::StrCat(input.name, ": row ", row.id);
}

}  // namespace

absl::StatusOr<EvalRecord> EvaluateChoice(model::Model& model,
                                          const Tokenizer& tokenizer,
                                          const EvalInput& input,
                                          const EvalOptions& options) {
  const Stopwatch watch;
  if (input.rows.empty()) return InputError(input.name, "no row to evaluate");
  EvalRecord record = StartRecord(input.name, options);
  for (const data::Row& row : input.rows) {
    if (row.choices.size() < 2 || row.label < 0 ||
        row.label >= std::ssize(row.choices)) {
      return InputError(Where(input, row),
                        absl::StrCat("label ", row.label, " of ",
                                     row.choices.size(), " choices"));
    }
    record.row_ids.push_back(row.id);
    record.references.push_back(row.label);
  }
  SFT_ASSIGN_OR_RETURN(
      const AnswerScores scored,
      ScoreAnswers(
          model, tokenizer, *input.task, input.name, input.rows,
          [](const data::Row& row) { return row.choices; }, input.render,
          options.max_tokens_a_batch, &record.tokens));
  const auto& scores = scored.scores;
  std::vector<int64_t> normed;
  for (size_t r = 0; r < scores.size(); ++r) {
    std::vector<double> sums;
    for (const ContinuationScore& score : scores[r]) {
      sums.push_back(score.log_probability);
    }
    record.predictions.push_back(metrics::LikeliestChoice(sums));
    normed.push_back(
        metrics::LikeliestPerCharacter(sums, input.rows[r].choices));
  }
  SFT_ASSIGN_OR_RETURN(std::string detail,
                       ScoreDetail(*input.task, tokenizer, input.render));
  detail = "score:sum-logprob-choice|" + detail;
  record.metrics = {
      metrics::MakeMetric(
          "accuracy", metrics::Accuracy(record.predictions, record.references),
          detail),
      metrics::MakeMetric("accuracy_norm",
                          metrics::Accuracy(normed, record.references),
                          detail)};
  const std::vector<std::string>& wanted = input.task->metrics;
  std::stable_partition(record.metrics.begin(), record.metrics.end(),
                        [&](const MetricRecord& metric) {
                          return !wanted.empty() && metric.name == wanted[0];
                        });
  record.wall_seconds = watch.WallSeconds();
  return record;
}

absl::StatusOr<EvalRecord> EvaluateLastWord(model::Model& model,
                                            const Tokenizer& tokenizer,
                                            const EvalInput& input,
                                            const EvalOptions& options) {
  const Stopwatch watch;
  if (input.rows.empty()) return InputError(input.name, "no row to evaluate");
  EvalRecord record = StartRecord(input.name, options);
  for (const data::Row& row : input.rows) {
    record.row_ids.push_back(row.id);
    if (row.turns.empty() || row.turns.back().role != "assistant") {
      return InputError(Where(input, row), "the last turn is no assistant's");
    }
  }
  data::RenderOptions render = input.render;
  // A word is right by its own tokens, trained on or not.
  render.score_end_of_turn = false;
  SFT_ASSIGN_OR_RETURN(
      const AnswerScores scored,
      ScoreAnswers(
          model, tokenizer, *input.task, input.name, input.rows,
          [](const data::Row& row) {
            return std::vector<std::string>{row.turns.back().content};
          },
          render, options.max_tokens_a_batch, &record.tokens));
  SFT_ASSIGN_OR_RETURN(std::string detail,
                       ScoreDetail(*input.task, tokenizer, render));
  detail = "over:answer-tokens|" + detail;
  MetricRecord accuracy = metrics::MakeMetric(
      "accuracy", {.signature = "accuracy|every-answer-token-is-the-argmax"},
      detail);
  MetricRecord perplexity = metrics::MakeMetric("perplexity", detail);
  double nats = 0, tokens = 0;
  for (size_t r = 0; r < scored.scores.size(); ++r) {
    const ContinuationScore& score = scored.scores[r][0];
    accuracy.items.push_back(score.likeliest);
    accuracy.value += score.likeliest;
    nats -= score.log_probability;
    tokens += static_cast<double>(scored.tokens[r][0]);
  }
  accuracy.value /= static_cast<double>(scored.scores.size());
  perplexity.value = std::exp(nats / tokens);
  record.metrics = {std::move(accuracy), std::move(perplexity)};
  record.wall_seconds = watch.WallSeconds();
  return record;
}

}  // namespace sft::eval
