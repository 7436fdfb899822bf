#include "harness/eval/evaluator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/core/status.h"
#include "harness/eval/answers.h"
#include "harness/eval/eval_support.h"
#include "harness/eval/evaluate_heads.h"
#include "harness/eval/heldout_windows.h"
#include "harness/eval/row_answers.h"
#include "harness/eval/scoring.h"
#include "harness/metrics/bits_per_byte.h"
#include "harness/metrics/metric_records.h"

namespace sft::eval {
namespace {

// Minus the log-probabilities, summed by sequence.
void SumNats(const std::vector<Wanted>& wanted,
             const std::vector<double>& log_probabilities,
             std::vector<double>& sums, std::vector<int64_t>& counts) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    sums[wanted[i].sequence] -= log_probabilities[i];
    ++counts[wanted[i].sequence];
  }
}

}  // namespace

absl::StatusOr<std::vector<std::vector<double>>> LabelLogProbabilities(
    model::Model& model, const Tokenizer& tokenizer, const data::Task& task,
    const std::vector<data::Row>& rows, const data::RenderOptions& render,
    const EvalOptions& options, int64_t* tokens) {
  if (task.labels.size() < 2) {
    return InputError(task.name, "label scoring wants two labels or more");
  }
  SFT_ASSIGN_OR_RETURN(const AnswerScores scored,
                       ScoreAnswers(
                           model, tokenizer, task, task.name, rows,
                           [&task](const data::Row&) { return task.labels; },
                           render, options.max_tokens_a_batch, tokens));
  std::vector<std::vector<double>> scores;
  for (const auto& row : scored.scores) {
    scores.emplace_back();
    for (const ContinuationScore& score : row) {
      scores.back().push_back(score.log_probability);
    }
  }
  return scores;
}

absl::StatusOr<EvalRecord> EvaluateClassification(
    model::Model& model, const Tokenizer& tokenizer, const data::Task& task,
    const std::vector<data::Row>& rows, const data::RenderOptions& render,
    const EvalOptions& options) {
  const Stopwatch watch;
  if (rows.empty()) return InputError(task.name, "no row to evaluate");
  EvalRecord record = StartRecord(task.name, options);
  for (const data::Row& row : rows) {
    if (row.label < 0 ||
        row.label >= static_cast<int64_t>(task.labels.size())) {
      return InputError(absl::StrCat(task.name, ": row ", row.id),
                        absl::StrCat("label ", row.label, " of ",
                                     task.labels.size(), " labels"));
    }
    record.row_ids.push_back(row.id);
    record.references.push_back(row.label);
  }
  SFT_ASSIGN_OR_RETURN(const auto scores,
                       LabelLogProbabilities(model, tokenizer, task, rows,
                                             render, options, &record.tokens));
  for (size_t r = 0; r < rows.size(); ++r) {
    // max_element gives the first of equals: ties go to the lower index.
    record.predictions.push_back(
        std::max_element(scores[r].begin(), scores[r].end()) -
        scores[r].begin());
  }
  SFT_ASSIGN_OR_RETURN(const std::string detail,
                       ScoreDetail(task, tokenizer, render));
  SFT_RETURN_IF_ERROR(AddLabelMetrics(
      task.metrics, "score:sum-logprob-label|" + detail, record));
  record.wall_seconds = watch.WallSeconds();
  return record;
}

absl::StatusOr<EvalRecord> EvaluateLoss(model::Model& model,
                                        const std::vector<Example>& examples,
                                        const std::string& task,
                                        const EvalOptions& options) {
  const Stopwatch watch;
  if (examples.empty()) return InputError(task, "no row to evaluate");
  if (examples[0].head != HeadKind::kNextToken) {
    return EvaluateHeadLoss(model, examples, task, options);
  }
  EvalRecord record = StartRecord(task, options);
  for (const Example& one : examples) record.row_ids.push_back(one.row_id);
  const std::vector<Wanted> wanted = TargetsOf(examples);
  if (wanted.empty()) return InputError(task, "no target token to evaluate");
  const EvalScope scope(model);
  const std::vector<double> log_probabilities = LogProbabilities(
      model, examples, wanted, options.max_tokens_a_batch, &record.tokens);
  std::vector<double> sums(examples.size(), 0.0);
  std::vector<int64_t> counts(examples.size(), 0);
  SumNats(wanted, log_probabilities, sums, counts);
  record.metrics = {metrics::MeanNats("validation_loss", sums, counts),
                    metrics::TokenCounts("validation_target_tokens", counts)};
  record.wall_seconds = watch.WallSeconds();
  return record;
}

absl::StatusOr<EvalRecord> EvaluateHeldout(
    model::Model& model, const Tokenizer& tokenizer,
    const std::vector<std::string>& documents, int64_t window,
    int64_t max_tokens, const std::string& name, const EvalOptions& options) {
  const Stopwatch watch;
  SFT_ASSIGN_OR_RETURN(const HeldoutWindows held,
                       WindowsOf(tokenizer, documents,
                                 {.window = window,
                                  .stride = options.heldout_stride,
                                  .max_tokens = max_tokens,
                                  .bos = options.bos,
                                  .count_bytes = options.bits_per_byte},
                                 name));
  const std::vector<Example>& windows = held.windows;
  const std::vector<Wanted>& wanted = held.wanted;
  EvalRecord record = StartRecord(name, options);
  record.split = "heldout";
  for (const Example& one : windows) record.row_ids.push_back(one.row_id);
  const EvalScope scope(model);
  const std::vector<double> log_probabilities = LogProbabilities(
      model, windows, wanted, options.max_tokens_a_batch, &record.tokens);
  std::vector<double> sums(windows.size(), 0.0);
  std::vector<int64_t> counts(windows.size(), 0);
  SumNats(wanted, log_probabilities, sums, counts);
  const std::string& detail = held.detail;
  record.metrics = {metrics::MeanNats("cross_entropy", sums, counts, detail),
                    metrics::MakeMetric("perplexity", detail),
                    metrics::TokenCounts("cross_entropy_tokens", counts)};
  record.metrics[1].value = std::exp(record.metrics[0].value);
  if (options.bits_per_byte) {
    record.metrics.push_back(metrics::MakeMetric(
        "bits_per_byte", metrics::BitsPerByte(sums, held.bytes), detail));
  }
  record.wall_seconds = watch.WallSeconds();
  return record;
}

absl::StatusOr<std::vector<GeneratedAnswer>> GenerateAnswers(
    model::Model& model, const Tokenizer& tokenizer, const data::Task& task,
    const std::vector<data::Row>& rows, const data::RenderOptions& render,
    int64_t n, int64_t max_new_tokens) {
  const std::vector<data::Row> first(
      rows.begin(), rows.begin() + std::clamp<int64_t>(n, 0, std::ssize(rows)));
  SFT_ASSIGN_OR_RETURN(
      Answers written,
      AnswerRows(model, tokenizer, task, first, render, max_new_tokens));
  std::vector<GeneratedAnswer> answers(first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    answers[i].row_id = first[i].id;
    answers[i].prompt = tokenizer.Decode(written.prompts[i],
                                         /*skip_special_tokens=*/false);
    answers[i].answer = std::move(written.texts[i]);
    const std::vector<ChatTurn>& turns = first[i].turns;
    if (!turns.empty() && turns.back().role == "assistant") {
      answers[i].reference = turns.back().content;
    }
  }
  return answers;
}

}  // namespace sft::eval
