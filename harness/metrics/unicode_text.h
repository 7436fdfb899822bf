// The string operations of Python's str that published metrics rest on, over
// UTF-8: lower(), split(), rstrip(), and the word characters of `re`.
#ifndef HARNESS_METRICS_UNICODE_TEXT_H_
#define HARNESS_METRICS_UNICODE_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace sft::metrics {

// str.lower(): Unicode's full mapping, final sigma included, no locale.
std::string LowerText(std::string_view text);
// str.isspace() of one code point.
bool IsPythonSpace(char32_t c);
// str.split() and ' '.join(str.split()) and str.rstrip().
std::vector<std::string> SplitText(std::string_view text);
std::string CollapseSpaces(std::string_view text);
std::string_view StripRight(std::string_view text);
// \w of `re`: letters, anything with a numeric value, the underscore.
bool IsPythonWordChar(char32_t c);
bool IsAsciiPunctuation(char32_t c);  // of string.punctuation
bool IsCategoryP(char32_t c);         // \p{P}
bool IsCategoryN(char32_t c);         // \p{N}
bool IsCategoryS(char32_t c);         // \p{S}

std::vector<char32_t> CodePoints(std::string_view text);
std::string FromCodePoints(const std::vector<char32_t>& text);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_UNICODE_TEXT_H_
