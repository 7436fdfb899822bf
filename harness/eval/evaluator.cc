#include "harness/eval/evaluator.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/added_ids.h"
#include "harness/eval/answers.h"
#include "harness/eval/eval_support.h"
#include "harness/eval/evaluate_heads.h"
#include "harness/eval/row_answers.h"
#include "harness/eval/scoring.h"
#include "harness/metrics/metric_records.h"

namespace sft::eval {
namespace {

using Ids = std::vector<int32_t>;

Example Unlabelled(int64_t row_id, Ids ids) {
  Example example;
  example.row_id = row_id;
  example.labels.assign(ids.size(), kNoLoss);
  example.input_ids = std::move(ids);
  return example;
}

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
  std::vector<Wanted> wanted;
  for (size_t i = 0; i < examples.size(); ++i) {
    record.row_ids.push_back(examples[i].row_id);
    const std::vector<int32_t>& labels = examples[i].labels;
    for (size_t t = 1; t < labels.size(); ++t) {
      if (labels[t] == kNoLoss) continue;
      wanted.push_back(
          {static_cast<int64_t>(i), static_cast<int64_t>(t) - 1, labels[t]});
    }
  }
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
  if (window < 2) {
    return InputError("heldout_window",
                      absl::StrCat(window, " tokens predict nothing"));
  }
  SFT_ASSIGN_OR_RETURN(const AddedIds added,
                       data::AddedIdsOf(tokenizer, options.bos));
  SFT_ASSIGN_OR_RETURN(const std::string bos,
                       BosDetail(tokenizer, options.bos, "plain"));
  // Tokens that a window begins with, and of text that it can hold.
  const int64_t before = std::ssize(added.before);
  const int64_t room = window - before;
  if (room < 1) return InputError("heldout_window", "holds no token of text");
  const auto encode = [&](const std::string& document) {
    Ids ids = data::EncodeWhole(tokenizer, document, added);
    ids.erase(ids.begin(), ids.begin() + before);
    return ids;
  };
  EvalRecord record = StartRecord(name, options);
  record.split = "heldout";
  std::vector<std::optional<Ids>> encoded(documents.size());
  std::vector<Example> windows;
  std::vector<Wanted> wanted;
  int64_t left = max_tokens > 0 ? max_tokens : INT64_MAX;
  const int64_t least = before > 0 ? 1 : 2;  // else nothing is predicted
  bool more = true;
  for (int64_t w = 0; more && left >= least; ++w) {
    more = false;
    for (size_t d = 0; d < documents.size() && left >= least; ++d) {
      StopPoint();
      if (!encoded[d]) encoded[d] = encode(documents[d]);
      const int64_t begin = w * room;
      const int64_t length = std::min(
          {room, left, static_cast<int64_t>(encoded[d]->size()) - begin});
      if (length < least) continue;
      more = true;
      left -= length;
      const auto from = encoded[d]->begin() + begin;
      const int64_t id = (static_cast<int64_t>(d) << 20) + w;
      Ids ids = added.before;
      ids.insert(ids.end(), from, from + length);
      windows.push_back(Unlabelled(id, std::move(ids)));
      record.row_ids.push_back(id);
      for (int64_t t = std::max<int64_t>(1, before); t < before + length; ++t) {
        wanted.push_back({static_cast<int64_t>(windows.size()) - 1, t - 1,
                          windows.back().input_ids[t]});
      }
    }
  }
  if (windows.empty()) return InputError(name, "no text to evaluate");
  const EvalScope scope(model);
  const std::vector<double> log_probabilities = LogProbabilities(
      model, windows, wanted, options.max_tokens_a_batch, &record.tokens);
  std::vector<double> sums(windows.size(), 0.0);
  std::vector<int64_t> counts(windows.size(), 0);
  SumNats(wanted, log_probabilities, sums, counts);
  const std::string detail =
      absl::StrCat("window:", window, "|max_tokens:", max_tokens,
                   "|order:first-windows-first", bos,
                   bos.empty() ? "" : " before each window");
  record.metrics = {metrics::MeanNats("cross_entropy", sums, counts, detail),
                    metrics::MakeMetric("perplexity", detail),
                    metrics::TokenCounts("cross_entropy_tokens", counts)};
  record.metrics[1].value = std::exp(record.metrics[0].value);
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
