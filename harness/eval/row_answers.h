// How likely given answers to rows are: labels, choices, last words.
#ifndef HARNESS_EVAL_ROW_ANSWERS_H_
#define HARNESS_EVAL_ROW_ANSWERS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"
#include "harness/data/render/render.h"
#include "harness/eval/continuations.h"
#include "harness/model/model.h"

namespace sft::eval {

struct AnswerScores {
  std::vector<std::vector<ContinuationScore>> scores;  // [row][answer]
  std::vector<std::vector<int64_t>> tokens;            // of each answer
};

// `name` is what errors call the data set. An OutOfRange error if a score is no
// finite number: the model has diverged. `tokens_read`, if not null, is raised.
absl::StatusOr<AnswerScores> ScoreAnswers(
    model::Model& model, const Tokenizer& tokenizer, const data::Task& task,
    const std::string& name, const std::vector<data::Row>& rows,
    const std::function<std::vector<std::string>(const data::Row&)>& answers_of,
    const data::RenderOptions& render, int64_t max_tokens_a_batch,
    int64_t* tokens_read);

// What of `render` decides such a score, for signatures: "form:plain|...".
absl::StatusOr<std::string> ScoreDetail(const data::Task& task,
                                        const Tokenizer& tokenizer,
                                        const data::RenderOptions& render);

// "|bos:1" where text begins with ids that the tokenizer or `bos` puts there.
absl::StatusOr<std::string> BosDetail(const Tokenizer& tokenizer,
                                      const std::string& bos,
                                      std::string_view form);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_ROW_ANSWERS_H_
