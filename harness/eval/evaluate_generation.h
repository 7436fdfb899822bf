// Decoders measured on what they write: summaries, translations, answers,
// named entities.
#ifndef HARNESS_EVAL_EVALUATE_GENERATION_H_
#define HARNESS_EVAL_EVALUATE_GENERATION_H_

#include "absl/status/statusor.h"
#include "harness/eval/task_evaluator.h"

namespace sft::eval {

// How the answers to an input are generated where they are scored.
struct AnswerLimits {
  data::RenderOptions render;
  int64_t max_new_tokens = 0;  // 0: they are not scored
};
AnswerLimits AnswerLimitsOf(const EvalInput& input);

// The task's metrics of greedy answers against the rows' references (against
// the row's own answer where it names none).
absl::StatusOr<EvalRecord> EvaluateGeneration(model::Model& model,
                                              const Tokenizer& tokenizer,
                                              const EvalInput& input,
                                              const EvalOptions& options);

// The task's metrics of the tags that an answer names
// (harness/data/entity_answer.h) against the row's own.
absl::StatusOr<EvalRecord> EvaluateWrittenTags(model::Model& model,
                                               const Tokenizer& tokenizer,
                                               const EvalInput& input,
                                               const EvalOptions& options);

// Adds constraint_accuracy of greedy answers to the first kConstraintRows rows
// that have constraints, where any has: an item each, the share that its answer
// meets. At most half of max_length is written (AnswerLimitsOf).
inline constexpr int64_t kConstraintRows = 100;
absl::Status AddConstraintAccuracy(model::Model& model,
                                   const Tokenizer& tokenizer,
                                   const EvalInput& input, EvalRecord& record);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_EVALUATE_GENERATION_H_
