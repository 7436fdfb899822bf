// Tasks with given answers of their own in each row: multiple choice and the
// last word of a passage, by likelihood.
#ifndef HARNESS_EVAL_EVALUATE_CHOICE_H_
#define HARNESS_EVAL_EVALUATE_CHOICE_H_

#include "absl/status/statusor.h"
#include "harness/eval/task_evaluator.h"

namespace sft::eval {

// accuracy: the choice with the largest sum of log-probabilities of its tokens
// after the prompt (RenderAnswers); accuracy_norm: of that sum
// divided by the choice's characters. The lower index in a tie. The one that
// the task names first comes first; predictions are those of accuracy. An
// OutOfRange error if a score is no finite number (the model has diverged).
absl::StatusOr<EvalRecord> EvaluateChoice(model::Model& model,
                                          const Tokenizer& tokenizer,
                                          const EvalInput& input,
                                          const EvalOptions& options);

// accuracy: every token of the row's answer is the likeliest after those
// before it; perplexity of these tokens.
absl::StatusOr<EvalRecord> EvaluateLastWord(model::Model& model,
                                            const Tokenizer& tokenizer,
                                            const EvalInput& input,
                                            const EvalOptions& options);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_EVALUATE_CHOICE_H_
