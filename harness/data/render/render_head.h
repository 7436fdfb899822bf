// Rows as what an encoder's head reads: the tokenizer's own layout around one
// text or a pair, with labels of whole rows, of words, or of answer spans.
#ifndef HARNESS_DATA_RENDER_RENDER_HEAD_H_
#define HARNESS_DATA_RENDER_RENDER_HEAD_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"
#include "harness/data/render/render.h"
#include "harness/data/tasks/head_window.h"

namespace sft::data {

// The head that an encoder needs for a task, as its kind's row has it; an error
// for kinds without. `classes`: the head's outputs.
struct TaskHead {
  HeadKind kind = HeadKind::kSequence;
  int64_t classes = 0;
};
absl::StatusOr<TaskHead> HeadOfTask(const Task& task);

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

#endif  // HARNESS_DATA_RENDER_RENDER_HEAD_H_
