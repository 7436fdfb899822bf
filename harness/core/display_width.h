// How many columns of a terminal a text takes, and texts cut to fit.
#ifndef HARNESS_CORE_DISPLAY_WIDTH_H_
#define HARNESS_CORE_DISPLAY_WIDTH_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace sft {

// One for each code point, two from U+1100 on: what is wide is never counted as
// narrow, so a text that fits does not wrap.
size_t DisplayColumns(std::string_view text);

// What of `text` fits into `columns` columns, control characters as blanks.
std::string CutColumns(std::string_view text, size_t columns);
// The same; one that is cut ends in "..".
std::string FitColumns(std::string_view text, size_t columns);

}  // namespace sft

#endif  // HARNESS_CORE_DISPLAY_WIDTH_H_
