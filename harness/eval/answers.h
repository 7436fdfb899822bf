// Answers that a decoder writes by itself: what free text is scored on.
#ifndef HARNESS_EVAL_ANSWERS_H_
#define HARNESS_EVAL_ANSWERS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"
#include "harness/data/render/render.h"
#include "harness/model/model.h"

namespace sft::eval {

// Of one batch: prompts, and token slots of the cache. A longer prompt is a
// batch of its own. Results do not depend on it beyond rounding.
struct AnswerBatches {
  int64_t rows = 0;  // 0: as many as the device decodes best
  int64_t slots = 8192;
};

struct Answers {
  std::vector<std::vector<int32_t>> prompts;  // ids, in order of the rows
  std::vector<std::string> texts;             // likewise
  int64_t tokens = 0;                         // read and written
  int64_t cut_prompts = 0;                    // that lost their middle
  std::string detail;                         // for signatures
};

// Greedy answers. One ends before the first of the tokenizer's stop ids or of
// the task's stop strings (CutAtStop), or after `max_new_tokens`; white space
// around it is taken off.
absl::StatusOr<Answers> AnswerRows(
    model::Model& model, const Tokenizer& tokenizer, const data::Task& task,
    const std::vector<data::Row>& rows, const data::RenderOptions& render,
    int64_t max_new_tokens, const AnswerBatches& batches = {});

// What ends an answer: the tokenizer's ids, and the end of turn that its chat
// template writes.
std::vector<int32_t> StopIds(const Tokenizer& tokenizer);

// Whether CutAtStop would cut the text of the ids so far, given that it did not
// before the last of them: GenerationOptions::stop. Empty if there are no stop
// strings.
std::function<bool(const std::vector<int32_t>&)> StopAt(
    const Tokenizer& tokenizer, std::vector<std::string> stop_strings);

// `text` up to the first of `stop_strings`. One that is white space counts only
// behind something else: a model that was not tuned for a task often begins its
// answer on a new line, and would otherwise be scored on nothing.
std::string_view CutAtStop(std::string_view text,
                           const std::vector<std::string>& stop_strings);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_ANSWERS_H_
