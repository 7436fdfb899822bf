// Rows as token ids: of a whole row, of its prompt alone, of given answers.
#ifndef HARNESS_DATA_RENDER_RENDER_H_
#define HARNESS_DATA_RENDER_RENDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"

namespace sft::data {

struct RenderOptions {
  std::string form = "auto";  // auto, plain, chat
  int64_t max_length = 512;
  double loss_on_prompt = 0;     // 0 = answers only, 1 = every token
  std::string loss_on = "last";  // last, all_assistant: which answers
  std::string system_prompt;     // before rows without a system turn; "" = none
  // auto, always, never (harness/data/added_ids.h): BOS before a row.
  std::string bos = "auto";
  // RenderAnswers: answers with their end of turn, as they are trained on.
  bool score_end_of_turn = false;
  // Tokens that a prompt leaves free below max_length, beside what its task
  // keeps free by itself (see RenderRows).
  int64_t answer_room = 0;
  // Of an encoder: rows become what this head reads, and of the options above
  // only max_length matters.
  HeadKind head = HeadKind::kNextToken;
};
struct RenderedRows {
  std::vector<Example> examples;
  std::vector<int64_t> labels;      // of each example, -1 if none
  std::vector<RefusedRow> refused;  // no target token left, too long...
  // Rows that came to an example an answer (ChatText::Whole).
  int64_t rows_in_parts = 0;
  int64_t truncated_rows = 0;
  int64_t truncated_tokens = 0;
};
// "plain" or "chat": what `options.form` comes to for this task and model.
// "auto" is the task's own form, but plain where there is no chat template;
// an error where chat is asked for and there is none.
absl::StatusOr<std::string> EffectiveForm(const Task& task,
                                          const Tokenizer& tokenizer,
                                          const RenderOptions& options);
// Rows as examples: loss on the answer and on the end-of-turn token after it.
// A row without a target token is refused and counted. A row above max_length
// loses the end of its answer; but where answers are scored or generated, the
// middle of its prompt, so that the longest label or choice, the word wanted or
// max_new_tokens still fit behind it.
absl::StatusOr<RenderedRows> RenderRows(const std::vector<Row>& rows,
                                        const Task& task,
                                        const Tokenizer& tokenizer,
                                        const RenderOptions& options);
// The prompt's ids alone, which generation continues. `cut_tokens`, if not
// null, becomes how many it lost.
absl::StatusOr<std::vector<int32_t>> RenderPrompt(
    const Row& row, const Task& task, const Tokenizer& tokenizer,
    const RenderOptions& options, int64_t* cut_tokens = nullptr);

// Given answers to one row: the ids of each, and of the prompt that they
// continue, which is the same for all but where tokens reach over the boundary.
struct RenderedAnswers {
  std::vector<std::vector<int32_t>> prompts, answers;  // none is empty
};
// With options.score_end_of_turn: as training has them, the tokens that bear
// its loss. Else as lm-evaluation-harness has them: white space at the end of a
// plain prompt belongs to the answer, and an answer is what encoding both adds
// to encoding the prompt. An error names an answer without a token.
absl::StatusOr<RenderedAnswers> RenderAnswers(
    const Row& row, const std::vector<std::string>& answers, const Task& task,
    const Tokenizer& tokenizer, const RenderOptions& options);

// Sets what nobody stated of how answers are generated: no stop string that a
// reference holds, and room for the longest reference of the test rows with a
// half more, within half of max_length.
void FitToReferences(const Splits& splits, const Tokenizer& tokenizer,
                     int64_t max_length, Task& task);

}  // namespace sft::data

#endif  // HARNESS_DATA_RENDER_RENDER_H_
