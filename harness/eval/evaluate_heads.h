// Encoders measured through their heads: classes, labels and numbers of rows,
// tags of words, spans of answers.
#ifndef HARNESS_EVAL_EVALUATE_HEADS_H_
#define HARNESS_EVAL_EVALUATE_HEADS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/eval/task_evaluator.h"

namespace sft::eval {

// The task's metrics of the likeliest class.
absl::StatusOr<EvalRecord> EvaluateSequenceHead(model::Model& model,
                                                const Tokenizer& tokenizer,
                                                const EvalInput& input,
                                                const EvalOptions& options);

// Span F1 in both modes of the likeliest tag of each word's first token; a
// word beyond max_length is tagged O.
absl::StatusOr<EvalRecord> EvaluateTokenHead(model::Model& model,
                                             const Tokenizer& tokenizer,
                                             const EvalInput& input,
                                             const EvalOptions& options);

// SQuAD's F1 and exact match of the best span of any window: the largest sum
// of first-token and last-token score, at most kMaxAnswerTokens long.
inline constexpr int64_t kMaxAnswerTokens = 30;
absl::StatusOr<EvalRecord> EvaluateSpanHead(model::Model& model,
                                            const Tokenizer& tokenizer,
                                            const EvalInput& input,
                                            const EvalOptions& options);

// The task's metrics of the labels that are likelier than not, and
// mean_average_precision.
absl::StatusOr<EvalRecord> EvaluateLabelsHead(model::Model& model,
                                              const Tokenizer& tokenizer,
                                              const EvalInput& input,
                                              const EvalOptions& options);

// The task's metrics of the numbers.
absl::StatusOr<EvalRecord> EvaluateValueHead(model::Model& model,
                                             const Tokenizer& tokenizer,
                                             const EvalInput& input,
                                             const EvalOptions& options);

// validation_loss through a head: mean nats a target, an item each example; of
// numbers their mean squared error.
absl::StatusOr<EvalRecord> EvaluateHeadLoss(
    model::Model& model, const std::vector<Example>& examples,
    const std::string& task, const EvalOptions& options);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_EVALUATE_HEADS_H_
