// UTF-8: decoding one code point, appending one, and making any byte string
// valid (U+FFFD for each maximal ill-formed part, as the Unicode Standard's
// section 3.9 and Rust's from_utf8_lossy do).
#ifndef HARNESS_CORE_UTF8_H_
#define HARNESS_CORE_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace sft {

inline constexpr char32_t kReplacementChar = 0xFFFD;

struct Utf8Char {
  char32_t code_point = 0;
  size_t size_bytes = 0;  // consumed from the input
  bool valid = true;      // false: ill-formed, code_point is U+FFFD
};

// The code point that starts at `position` < text.size(). Ill-formed input
// consumes its maximal valid prefix, at least one byte.
Utf8Char DecodeUtf8At(std::string_view text, size_t position);

void AppendUtf8(char32_t code_point, std::string* out);
bool IsValidUtf8(std::string_view text);
// `text` without the byte order mark that it may begin with.
std::string_view WithoutByteOrderMark(std::string_view text);
std::string SanitizeUtf8(std::string_view text);

// Clean: what records and specs may hold, well-formed and without NUL.
bool IsCleanUtf8(std::string_view text);
// Where that is first broken; npos if nowhere.
size_t FirstUncleanByte(std::string_view text);
// "byte 0xa3 at column 258 is no UTF-8 text"; "" if the text is clean.
std::string Utf8Complaint(std::string_view text);
// Every byte that breaks it, and NUL, becomes U+FFFD.
std::string CleanUtf8(std::string_view text);

}  // namespace sft

#endif  // HARNESS_CORE_UTF8_H_
