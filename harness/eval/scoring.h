// Log-probabilities of chosen tokens, the one computation under every
// likelihood measure. M positions, D width, V vocabulary.
#ifndef HARNESS_EVAL_SCORING_H_
#define HARNESS_EVAL_SCORING_H_

#include <c10/core/GradMode.h>

#include <cstdint>
#include <vector>

#include "harness/core/batch.h"
#include "harness/model/model.h"

namespace sft::eval {

// For its lifetime: no gradients, not training. Ordinary tensors, no
// inference tensors: weights that are seen here train later.
class EvalScope {
 public:
  explicit EvalScope(model::Model& model)
      : no_grad_(false),
        state_(model.pass_state()),
        saved_(model.pass_state()) {
    state_.training = false;
  }
  ~EvalScope() { state_ = saved_; }
  EvalScope(const EvalScope&) = delete;
  EvalScope& operator=(const EvalScope&) = delete;

 private:
  c10::AutoGradMode no_grad_;
  model::PassState& state_;
  model::PassState saved_;
};

// The token that should follow position `position` of sequence `sequence`.
struct Wanted {
  int64_t sequence = 0;
  int64_t position = 0;
  int32_t token = 0;
};

// The targets of rows, in order.
std::vector<Wanted> TargetsOf(const std::vector<Example>& examples);

// log p(token | tokens of the sequence up to position) for each of `wanted`,
// in its order. Sequences go through the model in flat batches of like
// lengths, at most `max_tokens` each; only wanted positions reach the head.
// `wanted` must be in order of sequence, then position. `prefixes`: of each
// sequence, one before it (without its own) whose tokens come before its own
// and are read once, or -1; empty = none has any. `tokens`, if not null, is
// raised by the tokens read; `likeliest`, if not null, becomes whether each
// wanted token is the argmax. To be called within an EvalScope.
std::vector<double> LogProbabilities(model::Model& model,
                                     const std::vector<Example>& sequences,
                                     const std::vector<Wanted>& wanted,
                                     int64_t max_tokens, int64_t* tokens,
                                     std::vector<bool>* likeliest = nullptr,
                                     const std::vector<int64_t>& prefixes = {});

}  // namespace sft::eval

#endif  // HARNESS_EVAL_SCORING_H_
