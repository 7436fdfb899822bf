// What an encoder's head reads of a row: windows of the tokenizer's own layout
// around one text or a pair.
#ifndef HARNESS_DATA_TASKS_HEAD_WINDOW_H_
#define HARNESS_DATA_TASKS_HEAD_WINDOW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"

namespace sft::data {

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

// What a kind of task makes windows of.
struct HeadInput {
  const Row& row;
  const Task& task;
  const Tokenizer& tokenizer;
  const InputLayout& layout;
  int64_t max_length;  // tokens, those that the layout adds among them
};

// One text before it is laid out; labels are kNoLoss until they are set.
struct TextSide {
  std::vector<int32_t> ids, labels;
  std::vector<std::pair<int64_t, int64_t>> bytes;  // of each id, in the text
  int64_t size() const { return static_cast<int64_t>(ids.size()); }
};
TextSide SideOf(const Tokenizer& tokenizer, const std::string& text);

// Adds tokens behind those of `window`, none of them of the context.
void AddIds(const std::vector<int32_t>& ids, int32_t type, HeadWindow& window);
// The tokens [begin, end) of a side, with their labels.
void AddSide(const TextSide& side, int64_t begin, int64_t end, int32_t type,
             HeadWindow& window);

// Tokens that the layout adds to one text, or to a pair.
int64_t AddedTokens(const InputLayout& layout, bool pair);

// before A after, or before A between B after, cut to max_length; of a pair
// the longer side loses its end first.
HeadWindow WholeWindow(const InputLayout& layout, const TextSide& a,
                       const std::optional<TextSide>& b, int64_t max_length);

// The one window of a row of a text or a pair, without labels; an error where
// it has no text.
absl::StatusOr<std::vector<HeadWindow>> RowWindows(const HeadInput& in);

// "joy, surprise": the labels of a set, as a decoder writes them.
std::string LabelListOf(const Task& task,
                        const std::vector<int64_t>& label_set);

// "O", then "B-x", "I-x" of each entity type in the task's order: the classes
// of the token head.
std::vector<std::string> TagClasses(const Task& task);

}  // namespace sft::data

#endif  // HARNESS_DATA_TASKS_HEAD_WINDOW_H_
