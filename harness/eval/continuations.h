// How likely given continuations of a prompt are: labels, choices, last words.
#ifndef HARNESS_EVAL_CONTINUATIONS_H_
#define HARNESS_EVAL_CONTINUATIONS_H_

#include <cstdint>
#include <vector>

#include "harness/model/model.h"

namespace sft::eval {

struct Continuations {
  int64_t row_id = 0;
  std::vector<int32_t> prompt;                // not empty
  std::vector<std::vector<int32_t>> answers;  // nor is any of these
};

struct ContinuationScore {
  double log_probability = 0;  // nats, summed over the answer's tokens
  bool likeliest = false;      // each token is the argmax after those before it
};

// [prompt][answer]. A prompt is read once whatever its answers, and so is an
// answer that begins another. `tokens`, if not null, is raised by
// the tokens read.
std::vector<std::vector<ContinuationScore>> ScoreContinuations(
    model::Model& model, const std::vector<Continuations>& prompts,
    int64_t max_tokens_a_batch, int64_t* tokens);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_CONTINUATIONS_H_
