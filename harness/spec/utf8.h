// UTF-8 that records and specs may hold: valid, and without NUL.
#ifndef HARNESS_SPEC_UTF8_H_
#define HARNESS_SPEC_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace sft {

// RFC 3629: no overlong forms, no surrogates, at most U+10FFFF; no NUL.
bool IsCleanUtf8(std::string_view text);
// Where the rule is first broken; npos if nowhere.
size_t FirstUncleanByte(std::string_view text);
// Every byte that breaks the rule, and NUL, becomes U+FFFD.
std::string CleanUtf8(std::string_view text);

}  // namespace sft

#endif  // HARNESS_SPEC_UTF8_H_
