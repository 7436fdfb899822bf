// How far one model's predictions are from another's: KL(base || tuned) of the
// next token's distribution, sum over the vocabulary of p log(p / q), exact,
// summed in f64; a mean over positions in nats a token, an item a sequence.
#ifndef HARNESS_EVAL_DIVERGENCE_H_
#define HARNESS_EVAL_DIVERGENCE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/records.h"
#include "harness/eval/evaluator.h"
#include "harness/eval/scoring.h"
#include "harness/model/model.h"

namespace sft::eval {

// At the positions of `wanted`, in order of sequence, then position. Both
// models read the same batches; neither is changed.
absl::StatusOr<EvalRecord> EvaluateDivergence(
    model::Model& base, model::Model& tuned,
    const std::vector<Example>& sequences, const std::vector<Wanted>& wanted,
    const std::string& task, const std::string& detail,
    const EvalOptions& options);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_DIVERGENCE_H_
