// Measures a model on rows and on text, changing nothing of it: no gradient,
// no dropout, no random number drawn; pass_state().training is put back.
#ifndef HARNESS_EVAL_EVALUATOR_H_
#define HARNESS_EVAL_EVALUATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/records.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"
#include "harness/data/render/render.h"
#include "harness/model/model.h"

namespace sft::eval {

struct EvalOptions {
  // Of a flat batch; a longer row is a batch of its own. Results do not
  // depend on it beyond rounding.
  int64_t max_tokens_a_batch = 2048;
  std::string split = "test";
  // EvaluateHeldout: as in RenderOptions; tokens from one window to the next
  // (0: they do not overlap); whether bytes are counted, too.
  std::string bos = "auto";
  int64_t heldout_stride = 0;
  bool bits_per_byte = false;
  int64_t round = 0;
};

// Each row's label by likelihood: the label with the largest sum of
// log-probabilities of its tokens after the prompt (RenderAnswers), the lower
// index in a tie. Metrics: those of the task, in its order. An
// OutOfRange error if the model's scores are no finite numbers (it has
// diverged).
absl::StatusOr<EvalRecord> EvaluateClassification(
    model::Model& model, const Tokenizer& tokenizer, const data::Task& task,
    const std::vector<data::Row>& rows, const data::RenderOptions& render,
    const EvalOptions& options = {});

// The scores behind it: [row][label], nats.
absl::StatusOr<std::vector<std::vector<double>>> LabelLogProbabilities(
    model::Model& model, const Tokenizer& tokenizer, const data::Task& task,
    const std::vector<data::Row>& rows, const data::RenderOptions& render,
    const EvalOptions& options, int64_t* tokens);

// validation_loss: mean nats a target token; an item each example. A loss
// that is no finite number is returned as it is.
absl::StatusOr<EvalRecord> EvaluateLoss(model::Model& model,
                                        const std::vector<Example>& examples,
                                        const std::string& task,
                                        const EvalOptions& options = {});

// cross_entropy and perplexity of held-out text, and bits_per_byte if it is
// asked for, in windows of `window` tokens that do not overlap, unless a stride
// says so, and never cross documents; an item a window. Each
// begins with the tokenizer's BOS, if it prescribes one, which then predicts
// the first token of text; else that is only read. The windows are the first
// one of each document, then the second ones, and so on until `max_tokens` (0 =
// all). row_ids: document * 2^20 + window.
absl::StatusOr<EvalRecord> EvaluateHeldout(
    model::Model& model, const Tokenizer& tokenizer,
    const std::vector<std::string>& documents, int64_t window,
    int64_t max_tokens, const std::string& name,
    const EvalOptions& options = {});

struct GeneratedAnswer {
  int64_t row_id = 0;
  std::string prompt;     // as the model read it, special tokens included
  std::string answer;     // greedy, as it is scored (AnswerRows)
  std::string reference;  // the row's own answer
};
// Greedy answers to the first `n` rows.
absl::StatusOr<std::vector<GeneratedAnswer>> GenerateAnswers(
    model::Model& model, const Tokenizer& tokenizer, const data::Task& task,
    const std::vector<data::Row>& rows, const data::RenderOptions& render,
    int64_t n, int64_t max_new_tokens);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_EVALUATOR_H_
