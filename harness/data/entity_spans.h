// Entities as spans of characters, made tags of words. A word is a run of
// letters and digits, with an apostrophe, a point or a comma within it; an
// ideograph or another character is a word of its own. Where words end follows
// from the text alone, never from the entities.
#ifndef HARNESS_DATA_ENTITY_SPANS_H_
#define HARNESS_DATA_ENTITY_SPANS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::data {

struct EntitySpan {
  int64_t begin = 0, end = 0;  // in characters (code points), half open
  std::string type;
};

// What becomes of an entity that begins or ends within a word.
enum class CutSpans { kFail, kWiden, kDrop };

struct TaggedWords {
  std::vector<std::string> words, tags;  // BIO2
  int64_t cut = 0;  // entities that were widened to whole words, or dropped
};

// First and last byte of each word.
std::vector<std::pair<size_t, size_t>> WordsIn(std::string_view text);

// {start, end, label} objects as prodigy and doccano have them
// (start_offset, end_offset), [start, end, label] lists as spaCy and doccano,
// or {"entities": ...} around these; of one null, none.
absl::StatusOr<std::vector<EntitySpan>> ReadEntitySpans(
    const nlohmann::json& value);

// The error says which entity cuts which word, lies outside of the text, holds
// no word or overlaps which other one.
absl::StatusOr<TaggedWords> TagWords(const std::string& text,
                                     std::vector<EntitySpan> spans,
                                     CutSpans cut);

}  // namespace sft::data

#endif  // HARNESS_DATA_ENTITY_SPANS_H_
