// FitToReferences: see render.h.
#include <algorithm>

#include "harness/data/render/render.h"

namespace sft::data {
namespace {

// What a row's generated answer is held against.
std::vector<std::string> ReferencesOf(const Row& row) {
  if (!row.references.empty()) return row.references;
  if (row.turns.empty() || row.turns.back().role != "assistant") return {};
  return {row.turns.back().content};
}

}  // namespace

void FitToReferences(const Splits& splits, const Tokenizer& tokenizer,
                     int64_t max_length, Task& task) {
  if (task.guessed_stop_strings) {
    const auto is_held = [&](const std::string& stop) {
      for (const auto* rows :
           {&splits.train, &splits.validation, &splits.test}) {
        for (const Row& row : *rows) {
          for (const std::string& reference : ReferencesOf(row)) {
            if (reference.find(stop) != std::string::npos) return true;
          }
        }
      }
      return false;
    };
    std::erase_if(task.stop_strings, is_held);
  }
  if (task.guessed_max_new_tokens) {
    int64_t longest = 0;
    for (const Row& row : splits.test) {
      for (const std::string& reference : ReferencesOf(row)) {
        longest = std::max(longest, std::ssize(tokenizer.Encode(reference)));
      }
    }
    const int64_t wanted =
        std::min(longest + (longest + 1) / 2, max_length / 2);
    task.max_new_tokens = std::max(task.max_new_tokens, wanted);
  }
}

}  // namespace sft::data
