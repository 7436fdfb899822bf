// See unicode_normalization.h.
#include "harness/text/unicode_normalization.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "harness/core/utf8.h"

namespace sft::text {
namespace {

const icu::Normalizer2* Instance(UnicodeForm form) {
  UErrorCode error = U_ZERO_ERROR;
  switch (form) {
    case UnicodeForm::kNfc:
      return icu::Normalizer2::getNFCInstance(error);
    case UnicodeForm::kNfd:
      return icu::Normalizer2::getNFDInstance(error);
    case UnicodeForm::kNfkc:
      return icu::Normalizer2::getNFKCInstance(error);
    case UnicodeForm::kNfkd:
      return icu::Normalizer2::getNFKDInstance(error);
  }
  return nullptr;
}

int CombiningClass(char32_t c) {
  return u_getCombiningClass(static_cast<UChar32>(c));
}

// Decomposed, runs of combining marks in canonical order. A character's first
// part has change 0, the others are insertions; changes move with the sort.
std::vector<CharChange> Decompose(const icu::Normalizer2& normalizer,
                                  const std::string& text) {
  std::vector<CharChange> out;
  out.reserve(text.size());
  icu::UnicodeString mapping;
  size_t run_begin = 0;  // of the pending combining marks
  const auto sort_run = [&] {
    std::stable_sort(out.begin() + static_cast<ptrdiff_t>(run_begin), out.end(),
                     [](const CharChange& a, const CharChange& b) {
                       return CombiningClass(a.code_point) <
                              CombiningClass(b.code_point);
                     });
  };
  const auto push = [&](char32_t c, int change) {
    if (CombiningClass(c) == 0) {
      sort_run();
      out.push_back({c, change});
      run_begin = out.size();
    } else {
      out.push_back({c, change});
    }
  };
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, i);
    i += c.size_bytes;
    const auto code_point = static_cast<UChar32>(c.code_point);
    if (c.code_point < 0x80 ||
        !normalizer.getDecomposition(code_point, mapping)) {
      push(c.code_point, 0);
      continue;
    }
    for (int32_t k = 0; k < mapping.length();) {
      const UChar32 part = mapping.char32At(k);
      push(static_cast<char32_t>(part), k > 0);
      k += U16_LENGTH(part);
    }
  }
  sort_run();
  return out;
}

// UAX 15's composition. A composed character's change counts what it ate.
std::vector<CharChange> Compose(const icu::Normalizer2& normalizer,
                                const std::vector<CharChange>& parts) {
  std::vector<CharChange> out;
  out.reserve(parts.size());
  size_t starter = SIZE_MAX;  // index into out
  int last_class = -1;        // of the last mark kept after the starter
  for (const CharChange& part : parts) {
    const int part_class = CombiningClass(part.code_point);
    if (starter != SIZE_MAX && last_class < part_class) {
      const UChar32 composed =
          normalizer.composePair(static_cast<UChar32>(out[starter].code_point),
                                 static_cast<UChar32>(part.code_point));
      if (composed >= 0) {
        out[starter].code_point = static_cast<char32_t>(composed);
        out[starter].change += part.change - 1;
        continue;
      }
    }
    if (part_class == 0) {
      starter = out.size();
      last_class = -1;
    } else {
      last_class = part_class;
    }
    out.push_back(part);
  }
  return out;
}

}  // namespace

void NormalizeUnicode(UnicodeForm form, AlignedText* text) {
  const icu::Normalizer2* normalizer = Instance(form);
  if (normalizer == nullptr) return;  // ICU without its data
  UErrorCode error = U_ZERO_ERROR;
  if (normalizer->isNormalizedUTF8(text->text(), error) && U_SUCCESS(error)) {
    return;
  }
  std::vector<CharChange> changes = Decompose(*normalizer, text->text());
  if (form == UnicodeForm::kNfc || form == UnicodeForm::kNfkc) {
    changes = Compose(*normalizer, changes);
  }
  text->Transform(changes, 0);
}

}  // namespace sft::text
