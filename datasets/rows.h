// What the units of this folder share: rows of a classification task.
#ifndef DATASETS_ROWS_H_
#define DATASETS_ROWS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/data/dataset.h"

namespace sft {

// `text` asked about between `before` and `after`: "Review: ...\nSentiment:".
// Encoders read it alone.
Row ClassificationRow(int64_t id, std::string_view before,
                      std::string_view text, std::string_view after,
                      const Task& task, int64_t label);

// `word` is one of `words`: its index, else -1.
int64_t IndexOf(std::string_view word, const std::vector<std::string>& words);

}  // namespace sft

#endif  // DATASETS_ROWS_H_
