// See unicode_class.h.
#include "harness/text/unicode_class.h"

#include <unicode/uchar.h>

namespace sft::text {
namespace {

UChar32 ToIcu(char32_t c) { return static_cast<UChar32>(c); }
bool HasCategory(char32_t c, uint32_t mask) {
  return (U_GET_GC_MASK(ToIcu(c)) & mask) != 0;
}

}  // namespace

bool IsWhitespace(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return u_isUWhiteSpace(ToIcu(c));
}

bool IsNumeric(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return HasCategory(c, U_GC_N_MASK);
}

bool IsPunctuation(char32_t c) {
  if (c < 0x80) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') ||
           (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  }
  return HasCategory(c, U_GC_P_MASK);
}

bool IsOther(char32_t c) { return HasCategory(c, U_GC_C_MASK & ~U_GC_CN_MASK); }
bool IsNonspacingMark(char32_t c) { return HasCategory(c, U_GC_MN_MASK); }
bool IsMark(char32_t c) { return HasCategory(c, U_GC_M_MASK); }

bool IsWordChar(char32_t c) {
  return u_hasBinaryProperty(ToIcu(c), UCHAR_ALPHABETIC) ||
         HasCategory(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK) ||
         u_hasBinaryProperty(ToIcu(c), UCHAR_JOIN_CONTROL);
}

bool IsCjkIdeograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

std::u32string LowerCase(char32_t c) {
  // The one character whose unconditional lower case has two code points.
  if (c == 0x130) return U"i\u0307";
  return std::u32string(1, static_cast<char32_t>(u_tolower(ToIcu(c))));
}

}  // namespace sft::text
