// Rows as what an encoder's head reads: the tokenizer's own layout around one
// text or a pair, with labels of whole rows, of words, or of answer spans.
#ifndef HARNESS_DATA_RENDER_HEAD_H_
#define HARNESS_DATA_RENDER_HEAD_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"

namespace sft::data {

// The head that an encoder needs for a task: kSequence for classification,
// kToken for token labels, kSpan for question answering; an error for the
// others. `classes`: labels, 1 + 2 entity types, or 2.
struct TaskHead {
  HeadKind kind = HeadKind::kSequence;
  int64_t classes = 0;
};
absl::StatusOr<TaskHead> HeadOfTask(const Task& task);

// "O", then "B-x", "I-x" of each entity type in the task's order: the classes
// of the token head.
std::vector<std::string> TagClasses(const Task& task);

// One window of a row. Question answering cuts a long context into windows
// that overlap by a quarter of max_length; other tasks have one window, cut at
// its end (of a pair: the longer text first).
struct HeadWindow {
  Example example;
  // Token labels: the first token of each word that is left.
  std::vector<int64_t> word_tokens;
  // Question answering: of each token of the context, its bytes in it;
  // {-1, -1} for every other token.
  std::vector<std::pair<int64_t, int64_t>> context_bytes;
  int64_t cut_tokens = 0;  // that no window of the row holds
};

// Labels are kNoLoss where the row has none. A span label is the window's
// first token where the window does not hold the whole answer. An error tells
// why the row cannot be used.
absl::StatusOr<std::vector<HeadWindow>> RenderHeadRow(
    const Row& row, const Task& task, const Tokenizer& tokenizer,
    int64_t max_length);

// Every window of every row as an example, refusals counted: what RenderRows
// does where options.head is none for next tokens.
RenderedRows RenderHeadRows(const std::vector<Row>& rows, const Task& task,
                            const Tokenizer& tokenizer,
                            const RenderOptions& options);

}  // namespace sft::data

#endif  // HARNESS_DATA_RENDER_HEAD_H_
