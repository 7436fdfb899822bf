#include "datasets/rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "harness/core/status.h"

namespace sft {

Row ClassificationRow(int64_t id, std::string_view before,
                      std::string_view text, std::string_view after,
                      const Task& task, int64_t label) {
  Row row;
  row.id = id;
  row.label = label;
  row.text = std::string(text);
  row.turns = {
      {"user", absl::StrCat(ToAbsl(before), ToAbsl(text), ToAbsl(after))},
      {"assistant", task.labels[label]}};
  return row;
}

int64_t IndexOf(std::string_view word, const std::vector<std::string>& words) {
  const auto it = std::find(words.begin(), words.end(), word);
  return it == words.end() ? -1 : it - words.begin();
}

}  // namespace sft
