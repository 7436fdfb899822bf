#include "harness/eval/task_evaluator.h"

#include <algorithm>

#include "harness/core/status.h"
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
  own.heldout_stride = input.heldout_stride;
  const std::vector<std::string>& wanted = input.task->metrics;
  own.bits_per_byte =
      std::find(wanted.begin(), wanted.end(), "bits_per_byte") != wanted.end();
  return EvaluateHeldout(model, tokenizer, input.documents,
                         input.heldout_window, input.heldout_tokens, input.name,
                         own);
}

template <HeadKind kHead>
bool HasHead(const data::TaskKindRow& kind) {
  return kind.head && kind.head->kind == kHead;
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
    case HeadKind::kLabels:
      return "labels";
    case HeadKind::kValue:
      return "value";
  }
  return "";
}

}  // namespace

const std::vector<TaskEvaluator>& AllTaskEvaluators() {
  using Kind = data::TaskKindRow;
  constexpr auto kNext = HeadKind::kNextToken;
  static const auto& table = *new std::vector<TaskEvaluator>{
      {"the likeliest label", kNext,
       [](const Kind& kind) { return kind.has_classes; }, ByLikelihood},
      {"the likeliest of a row's choices", kNext,
       [](const Kind& kind) {
         return kind.has_given_answers && !kind.has_classes;
       },
       EvaluateChoice},
      {"the likeliest tokens", kNext,
       [](const Kind& kind) { return kind.wants_likeliest_tokens; },
       EvaluateLastWord},
      {"written tags", kNext, [](const Kind& kind) { return kind.writes_tags; },
       EvaluateWrittenTags},
      {"written answers", kNext,
       [](const Kind& kind) { return kind.generates && !kind.writes_tags; },
       EvaluateGeneration},
      {"the loss of answers", kNext,
       [](const Kind& kind) { return kind.measured_by_loss; }, ResponseLoss},
      {"the loss of text", kNext, [](const Kind& kind) { return kind.is_text; },
       Heldout},
      {"classes of rows", HeadKind::kSequence, HasHead<HeadKind::kSequence>,
       EvaluateSequenceHead},
      {"tags of words", HeadKind::kToken, HasHead<HeadKind::kToken>,
       EvaluateTokenHead},
      {"spans of answers", HeadKind::kSpan, HasHead<HeadKind::kSpan>,
       EvaluateSpanHead},
      {"labels of rows", HeadKind::kLabels, HasHead<HeadKind::kLabels>,
       EvaluateLabelsHead},
      {"numbers of rows", HeadKind::kValue, HasHead<HeadKind::kValue>,
       EvaluateValueHead},
  };
  return table;
}

const TaskEvaluator* EvaluatorOf(const data::TaskKindRow& kind, HeadKind head) {
  for (const TaskEvaluator& row : AllTaskEvaluators()) {
    if (row.head == head && row.fits(kind)) return &row;
  }
  return nullptr;
}

absl::StatusOr<EvalRecord> EvaluateTask(model::Model& model,
                                        const Tokenizer& tokenizer,
                                        const EvalInput& input,
                                        const EvalOptions& options) {
  const data::TaskKindRow& kind = data::KindRow(input.task->kind);
  const TaskEvaluator* evaluator = EvaluatorOf(kind, model.head());
  if (evaluator != nullptr) {
    return evaluator->evaluate(model, tokenizer, input, options);
  }
  return InputError(input.name,
                    absl::StrCat("no evaluation of ", kind.name, " with a ",
                                 ToAbsl(HeadName(model.head())), " head"));
}

}  // namespace sft::eval
