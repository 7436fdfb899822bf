#include "datasets/rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"

namespace sft::datasets {

data::Row ClassificationRow(int64_t id, std::string_view before,
                            std::string_view text, std::string_view after,
                            const data::Task& task, int64_t label) {
  data::Row row;
  row.id = id;
  row.label = label;
  row.text = std::string(text);
  row.turns = {
      {"user", absl::StrCat(ToAbsl(before), ToAbsl(text), ToAbsl(after))},
      {"assistant", task.labels[label]}};
  return row;
}

data::Row GenerationRow(int64_t id, std::string prompt,
                        std::vector<std::string> references) {
  data::Row row;
  row.id = id;
  row.turns = {{"user", std::move(prompt)},
               {"assistant", data::CollapseSpace(references.front())}};
  row.references = std::move(references);
  return row;
}

data::Row TranslationRow(int64_t id, std::string_view from_language,
                         std::string_view to_language, std::string_view source,
                         std::string target) {
  const absl::string_view from = ToAbsl(from_language);
  const absl::string_view to = ToAbsl(to_language);
  return GenerationRow(id,
                       absl::StrCat("Translate ", from, " to ", to, ".\n", from,
                                    ": ", ToAbsl(source), "\n", to, ":"),
                       {std::move(target)});
}

int64_t IndexOf(std::string_view word, const std::vector<std::string>& words) {
  const auto it = std::find(words.begin(), words.end(), word);
  return it == words.end() ? -1 : it - words.begin();
}

}  // namespace sft::datasets
