#include "harness/eval/task_evaluator.h"

#include "harness/core/status.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/eval/evaluate_choice.h"
#include "harness/eval/evaluate_generation.h"
#include "harness/eval/evaluate_heads.h"

namespace sft::eval {
namespace {

absl::StatusOr<EvalRecord> ByLikelihood(model::Model& model,
                                        const Tokenizer& tokenizer,
                                        const EvalInput& input,
                                        const EvalOptions& options) {
  SFT_ASSIGN_OR_RETURN(
      EvalRecord record,
      EvaluateClassification(model, tokenizer, *input.task, input.rows,
                             input.render, options));
  record.task = input.name;
  return record;
}

absl::StatusOr<EvalRecord> ResponseLoss(model::Model& model,
                                        const Tokenizer& tokenizer,
                                        const EvalInput& input,
                                        const EvalOptions& options) {
  SFT_ASSIGN_OR_RETURN(EvalRecord record, EvaluateLoss(model, input.examples,
                                                       input.name, options));
  SFT_RETURN_IF_ERROR(AddConstraintAccuracy(model, tokenizer, input, record));
  return record;
}

absl::StatusOr<EvalRecord> Heldout(model::Model& model,
                                   const Tokenizer& tokenizer,
                                   const EvalInput& input,
                                   const EvalOptions& options) {
  EvalOptions own = options;
  own.bos = input.render.bos;
  return EvaluateHeldout(model, tokenizer, input.documents,
                         input.heldout_window, input.heldout_tokens, input.name,
                         own);
}

std::string_view HeadName(HeadKind head) {
  switch (head) {
    case HeadKind::kNextToken:
      return "next-token";
    case HeadKind::kSequence:
      return "sequence";
    case HeadKind::kToken:
      return "token";
    case HeadKind::kSpan:
      return "span";
  }
  return "";
}

}  // namespace

const std::vector<TaskEvaluator>& AllTaskEvaluators() {
  constexpr auto kNext = HeadKind::kNextToken;
  static const auto& table = *new std::vector<TaskEvaluator>{
      {data::TaskKind::kClassification, kNext, ByLikelihood},
      {data::TaskKind::kClassification, HeadKind::kSequence,
       EvaluateSequenceHead},
      {data::TaskKind::kTokenLabels, kNext, EvaluateWrittenTags},
      {data::TaskKind::kTokenLabels, HeadKind::kToken, EvaluateTokenHead},
      {data::TaskKind::kQuestionAnswering, kNext, EvaluateGeneration},
      {data::TaskKind::kQuestionAnswering, HeadKind::kSpan, EvaluateSpanHead},
      {data::TaskKind::kGeneration, kNext, EvaluateGeneration},
      {data::TaskKind::kInstruction, kNext, ResponseLoss},
      {data::TaskKind::kMultipleChoice, kNext, EvaluateChoice},
      {data::TaskKind::kLastWord, kNext, EvaluateLastWord},
      {data::TaskKind::kLanguageModeling, kNext, Heldout},
  };
  return table;
}

absl::StatusOr<EvalRecord> EvaluateTask(model::Model& model,
                                        const Tokenizer& tokenizer,
                                        const EvalInput& input,
                                        const EvalOptions& options) {
  for (const TaskEvaluator& row : AllTaskEvaluators()) {
    if (row.kind == input.task->kind && row.head == model.head()) {
      return row.evaluate(model, tokenizer, input, options);
    }
  }
  return InputError(
      input.name,
      absl::StrCat("no evaluation of ",
                   ToAbsl(data::TaskKindName(input.task->kind)), " with a ",
                   ToAbsl(HeadName(model.head())), " head"));
}

}  // namespace sft::eval
