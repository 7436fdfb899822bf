// What the units of this folder share: how rows of a kind are made.
#ifndef DATASETS_ROWS_H_
#define DATASETS_ROWS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/data/dataset.h"

namespace sft::datasets {

// `text` asked about between `before` and `after`: "Review: ...\nSentiment:".
// Encoders read it alone.
data::Row ClassificationRow(int64_t id, std::string_view before,
                            std::string_view text, std::string_view after,
                            const data::Task& task, int64_t label);

// A prompt and its accepted answers; the first one, as one line, is the one
// that is trained on.
data::Row GenerationRow(int64_t id, std::string prompt,
                        std::vector<std::string> references);

// "Translate German to English.\nGerman: ...\nEnglish:".
data::Row TranslationRow(int64_t id, std::string_view from_language,
                         std::string_view to_language, std::string_view source,
                         std::string target);

// `word` is one of `words`: its index, else -1.
int64_t IndexOf(std::string_view word, const std::vector<std::string>& words);

}  // namespace sft::datasets

#endif  // DATASETS_ROWS_H_
