// Cutting pieces at matches: the five behaviours of
// `tokenizers::SplitDelimiterBehavior`.
#ifndef HARNESS_TEXT_SPLIT_H_
#define HARNESS_TEXT_SPLIT_H_

#include <functional>
#include <string_view>
#include <vector>

#include "harness/text/pre_tokenizer.h"

namespace sft::text {

enum class SplitBehavior {
  kRemoved,
  kIsolated,
  kContiguous,
  kMergedWithPrevious,
  kMergedWithNext,
};

// Ranges of matches within one piece.
using FindMatches = std::function<std::vector<ByteRange>(std::string_view)>;

// Every character for which `matches` holds, each one a match of its own.
FindMatches EachChar(bool (*matches)(char32_t));

// Cuts every piece of `text`; with `invert`, what lies between the matches is
// what counts as matched. Empty pieces vanish.
void SplitPieces(const FindMatches& find, SplitBehavior behavior, bool invert,
                 PreTokenizedText* text);

}  // namespace sft::text

#endif  // HARNESS_TEXT_SPLIT_H_
