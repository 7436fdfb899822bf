// NFC, NFD, NFKC and NFKD (UAX 15) on aligned text. ICU gives the mappings;
// the walk is our own, for ICU's results carry no alignment.
#ifndef HARNESS_TEXT_UNICODE_NORMALIZATION_H_
#define HARNESS_TEXT_UNICODE_NORMALIZATION_H_

#include "harness/text/aligned_text.h"

namespace sft::text {

enum class UnicodeForm { kNfc, kNfd, kNfkc, kNfkd };

void NormalizeUnicode(UnicodeForm form, AlignedText* text);

}  // namespace sft::text

#endif  // HARNESS_TEXT_UNICODE_NORMALIZATION_H_
