// Extended grapheme clusters (UAX 29), told apart by ICU's properties.
#ifndef HARNESS_TEXT_GRAPHEME_H_
#define HARNESS_TEXT_GRAPHEME_H_

#include <cstddef>
#include <string_view>

namespace sft::text {

// How many bytes the cluster has that begins `text`, which is valid and not
// empty. A cluster that is longer than `enough` bytes may be cut behind them.
size_t GraphemeBytes(std::string_view text, size_t enough);

}  // namespace sft::text

#endif  // HARNESS_TEXT_GRAPHEME_H_
