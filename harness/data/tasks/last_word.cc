// The last word of a passage: every token of the answer is the likeliest.
#include "harness/data/tasks/kinds.h"

namespace sft::data {

TaskKindRow LastWordKind() {
  TaskKindRow row{.name = "last_word",
                  .summary =
                      "the last word of a passage, by the likeliest "
                      "tokens",
                  .wants_likeliest_tokens = true};
  row.decoder.row_answers =
      [](const Row& one) -> std::optional<std::vector<std::string>> {
    if (one.turns.empty()) return std::nullopt;
    return std::vector<std::string>{one.turns.back().content};
  };
  return row;
}

}  // namespace sft::data
