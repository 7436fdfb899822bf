#include "harness/eval/evaluate_generation.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/data/entity_answer.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/eval/answers.h"
#include "harness/eval/eval_support.h"
#include "harness/metrics/constraints.h"
#include "harness/metrics/metric_records.h"
#include "harness/metrics/squad.h"

namespace sft::eval {
namespace {

// `reference_of` is asked before anything is generated.
absl::StatusOr<EvalRecord> Evaluate(
    model::Model& model, const Tokenizer& tokenizer, const EvalInput& input,
    const EvalOptions& options,
    const std::function<absl::StatusOr<std::vector<std::string>>(
        const data::Row&)>& references_of,
    const std::function<std::string(const data::Row&, std::string)>& read) {
  const Stopwatch watch;
  if (input.rows.empty()) return InputError(input.name, "no row to evaluate");
  EvalRecord record = StartRecord(input.name, options);
  std::vector<metrics::TextItem> items(input.rows.size());
  for (size_t r = 0; r < input.rows.size(); ++r) {
    const data::Row& row = input.rows[r];
    record.row_ids.push_back(row.id);
    absl::StatusOr<std::vector<std::string>> references = references_of(row);
    if (!references.ok()) {
      return InputError(absl::StrCat(input.name, ": row ", row.id),
                        ToStd(references.status().message()));
    }
    items[r].references = *std::move(references);
    items[r].unanswerable =
        !input.task->no_answer.empty() && row.references.empty();
  }
  SFT_ASSIGN_OR_RETURN(
      Answers answers,
      AnswerRows(model, tokenizer, *input.task, input.rows, input.render,
                 AnswerLimitsOf(input).max_new_tokens));
  for (size_t r = 0; r < items.size(); ++r) {
    items[r].hypothesis = read(input.rows[r], std::move(answers.texts[r]));
  }
  record.tokens = answers.tokens;
  SFT_RETURN_IF_ERROR(
      AddTextMetrics(input.task->metrics, items, answers.detail, record));
  record.wall_seconds = watch.WallSeconds();
  return record;
}

}  // namespace

AnswerLimits AnswerLimitsOf(const EvalInput& input) {
  AnswerLimits limits;
  limits.render = input.render;
  const int64_t tokens = input.task->max_new_tokens;
  const data::TaskKindRow& kind = data::KindRow(input.task->kind);
  if (kind.generates) {
    limits.max_new_tokens = tokens;
  } else if (kind.has_constraints &&
             std::any_of(input.rows.begin(), input.rows.end(),
                         [](const data::Row& row) {
                           return !row.constraints.empty();
                         })) {
    limits.max_new_tokens = std::min(tokens, input.render.max_length / 2);
    limits.render.answer_room = limits.max_new_tokens;
  }
  return limits;
}

absl::StatusOr<EvalRecord> EvaluateGeneration(model::Model& model,
                                              const Tokenizer& tokenizer,
                                              const EvalInput& input,
                                              const EvalOptions& options) {
  return Evaluate(
      model, tokenizer, input, options,
      [&input](
          const data::Row& row) -> absl::StatusOr<std::vector<std::string>> {
        if (!row.references.empty()) return row.references;
        // A question without an answer.
        if (!input.task->no_answer.empty()) return std::vector<std::string>{""};
        if (!row.turns.empty() && row.turns.back().role == "assistant") {
          return std::vector<std::string>{row.turns.back().content};
        }
        return absl::InvalidArgumentError("has no reference");
      },
      [&input](const data::Row&, std::string answer) {
        const std::string& none = input.task->no_answer;
        const bool says_none =
            !none.empty() &&
            metrics::NormalizeAnswer(answer) == metrics::NormalizeAnswer(none);
        return says_none ? "" : answer;
      });
}

absl::StatusOr<EvalRecord> EvaluateWrittenTags(model::Model& model,
                                               const Tokenizer& tokenizer,
                                               const EvalInput& input,
                                               const EvalOptions& options) {
  return Evaluate(
      model, tokenizer, input, options,
      [](const data::Row& row) -> absl::StatusOr<std::vector<std::string>> {
        if (row.tags.size() != row.words.size()) {
          return absl::InvalidArgumentError(absl::StrCat(
              row.words.size(), " words with ", row.tags.size(), " tags"));
        }
        return std::vector<std::string>{absl::StrJoin(row.tags, " ")};
      },
      [&input](const data::Row& row, std::string answer) {
        return absl::StrJoin(
            data::TagsOfAnswer(answer, row.words, input.task->labels), " ");
      });
}

absl::Status AddConstraintAccuracy(model::Model& model,
                                   const Tokenizer& tokenizer,
                                   const EvalInput& input, EvalRecord& record) {
  const Stopwatch watch;
  const auto share_of = [&input](const data::Row& row,
                                 const std::string& answer)
      -> absl::StatusOr<metrics::ConstraintShare> {
    auto share = metrics::CheckConstraints(row.constraints, answer);
    if (share.ok()) return share;
    return InputError(absl::StrCat(input.name, ": row ", row.id),
                      ToStd(share.status().message()));
  };
  std::vector<data::Row> rows;
  size_t unknown = 0;
  for (const data::Row& row : input.rows) {
    if (row.constraints.empty() || std::ssize(rows) == kConstraintRows) {
      continue;
    }
    // Before anything is generated: what is asked must be readable.
    SFT_ASSIGN_OR_RETURN(const metrics::ConstraintShare share,
                         share_of(row, ""));
    unknown += share.unknown.size();
    if (share.checked > 0) rows.push_back(row);
  }
  if (rows.empty()) return absl::OkStatus();
  const AnswerLimits limits = AnswerLimitsOf(input);
  SFT_ASSIGN_OR_RETURN(const Answers answers,
                       AnswerRows(model, tokenizer, *input.task, rows,
                                  limits.render, limits.max_new_tokens));
  MetricRecord metric = metrics::MakeMetric(
      "constraint_accuracy",
      absl::StrCat("rows:", rows.size(), "|unknown_constraints:", unknown, "|",
                   answers.detail));
  for (size_t r = 0; r < rows.size(); ++r) {
    SFT_ASSIGN_OR_RETURN(const metrics::ConstraintShare share,
                         share_of(rows[r], answers.texts[r]));
    metric.items.push_back(static_cast<double>(share.met) /
                           static_cast<double>(share.checked));
    metric.value += metric.items.back();
  }
  metric.value /= static_cast<double>(rows.size());
  record.metrics.push_back(std::move(metric));
  record.tokens += answers.tokens;
  record.wall_seconds += watch.WallSeconds();
  return absl::OkStatus();
}

}  // namespace sft::eval
