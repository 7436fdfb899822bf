#include "harness/model/generate/guess.h"

#include <algorithm>

namespace sft::model {

std::vector<int32_t> GuessNext(const std::vector<int32_t>& text,
                               int64_t count) {
  if (count <= 0) return {};
  for (int64_t known : {3, 2}) {
    if (std::ssize(text) <= known) continue;
    const auto key = text.end() - known;
    // Searched from the end: the nearest place is the likeliest.
    const auto place =
        std::find_end(text.begin(), text.end() - 1, key, text.end());
    if (place == text.end() - 1) continue;
    std::vector<int32_t> guesses;
    for (int64_t at = place - text.begin() + known; std::ssize(guesses) < count;
         ++at) {
      guesses.push_back(at < std::ssize(text) ? text[at]
                                              : guesses[at - std::ssize(text)]);
    }
    return guesses;
  }
  return {};
}

}  // namespace sft::model
