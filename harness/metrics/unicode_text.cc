#include "harness/metrics/unicode_text.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "harness/core/utf8.h"

namespace sft::metrics {

std::string LowerText(std::string_view text) {
  icu::UnicodeString wide = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  wide.toLower(icu::Locale::getRoot());
  std::string out;
  wide.toUTF8String(out);
  return out;
}

bool IsPythonSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 ||
         c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

std::vector<std::string> SplitText(std::string_view text) {
  std::vector<std::string> words;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, at);
    if (IsPythonSpace(c.code_point)) {
      if (at > begin) words.emplace_back(text.substr(begin, at - begin));
      begin = at + c.size_bytes;
    }
    at += c.size_bytes;
  }
  if (text.size() > begin) words.emplace_back(text.substr(begin));
  return words;
}

std::string CollapseSpaces(std::string_view text) {
  std::string out;
  for (const std::string& word : SplitText(text)) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

std::string_view StripRight(std::string_view text) {
  size_t end = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, at);
    at += c.size_bytes;
    if (!IsPythonSpace(c.code_point)) end = at;
  }
  return text.substr(0, end);
}

namespace {
bool InMask(char32_t c, uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0;
}
}  // namespace

bool IsPythonWordChar(char32_t c) {
  return c == '_' || InMask(c, U_GC_L_MASK) ||
         u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_NUMERIC_TYPE) !=
             U_NT_NONE;
}
bool IsAsciiPunctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}
bool IsCategoryP(char32_t c) { return InMask(c, U_GC_P_MASK); }
bool IsCategoryN(char32_t c) { return InMask(c, U_GC_N_MASK); }
bool IsCategoryS(char32_t c) { return InMask(c, U_GC_S_MASK); }

std::vector<char32_t> CodePoints(std::string_view text) {
  std::vector<char32_t> out;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, at);
    out.push_back(c.code_point);
    at += c.size_bytes;
  }
  return out;
}

std::string FromCodePoints(const std::vector<char32_t>& text) {
  std::string out;
  for (char32_t c : text) AppendUtf8(c, &out);
  return out;
}

}  // namespace sft::metrics
