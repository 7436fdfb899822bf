// Character classes as the `tokenizers` library (Rust) means them, from ICU.
#ifndef HARNESS_TEXT_UNICODE_CLASS_H_
#define HARNESS_TEXT_UNICODE_CLASS_H_

#include <string>

namespace sft::text {

bool IsWhitespace(char32_t c);         // White_Space
bool IsNumeric(char32_t c);            // Nd, Nl, No
bool IsPunctuation(char32_t c);        // P*, and every ASCII punctuation sign
bool IsOther(char32_t c);              // C* but unassigned: controls, formats
bool IsNonspacingMark(char32_t c);     // Mn
bool IsMark(char32_t c);               // M*
bool IsWordChar(char32_t c);           // a regular expression's \w (UTS 18)
bool IsCjkIdeograph(char32_t c);       // the blocks BERT puts spaces around
std::u32string LowerCase(char32_t c);  // full, context-free mapping

}  // namespace sft::text

#endif  // HARNESS_TEXT_UNICODE_CLASS_H_
