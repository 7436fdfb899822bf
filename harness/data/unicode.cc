#include "harness/data/unicode.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf16.h>

#include <algorithm>

#include "absl/strings/str_format.h"

namespace sft::data {
namespace {

// The normalizer, if `text` is not in form NFC.
const icu::Normalizer2* NormalizerFor(const std::string& text) {
  if (std::all_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 128; })) {
    return nullptr;
  }
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  if (U_FAILURE(error)) return nullptr;
  const icu::StringPiece piece(text.data(), static_cast<int32_t>(text.size()));
  const bool normal = nfc->isNormalizedUTF8(piece, error);
  return normal || U_FAILURE(error) ? nullptr : nfc;
}

bool IsUnseen(UChar32 c) {
  return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

icu::UnicodeString WithoutUnseen(const icu::UnicodeString& text) {
  icu::UnicodeString out;
  bool space = false;
  for (int32_t at = 0; at < text.length();) {
    const UChar32 c = text.char32At(at);
    at += U16_LENGTH(c);
    if (IsUnseen(c)) continue;
    if (u_isUWhiteSpace(c)) {
      space = true;
      continue;
    }
    if (space && !out.isEmpty()) out.append(UChar32{' '});
    space = false;
    out.append(c);
  }
  return out;
}

std::string Normalized(const icu::UnicodeString& text,
                       const icu::Normalizer2* (*form)(UErrorCode&)) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = form(error);
  icu::UnicodeString normal = text;
  if (U_SUCCESS(error)) normal = normalizer->normalize(text, error);
  std::string out;
  WithoutUnseen(U_SUCCESS(error) ? normal : text).toUTF8String(out);
  return out;
}

}  // namespace

bool NormalizeNfc(std::string& text) {
  const icu::Normalizer2* nfc = NormalizerFor(text);
  if (nfc == nullptr) return false;
  UErrorCode error = U_ZERO_ERROR;
  const icu::StringPiece piece(text.data(), static_cast<int32_t>(text.size()));
  std::string normal;
  icu::StringByteSink<std::string> sink(&normal);
  nfc->normalizeUTF8(0, piece, sink, nullptr, error);
  if (U_FAILURE(error) || normal == text) return false;
  text = std::move(normal);
  return true;
}

std::string SeenText(const std::string& text) {
  return Normalized(WithoutUnseen(icu::UnicodeString::fromUTF8(text)),
                    &icu::Normalizer2::getNFCInstance);
}

std::string FoldedText(const std::string& text) {
  return Normalized(icu::UnicodeString::fromUTF8(text),
                    &icu::Normalizer2::getNFKCCasefoldInstance);
}

std::string ShownText(const std::string& text) {
  const icu::UnicodeString from = icu::UnicodeString::fromUTF8(text);
  icu::UnicodeString out;
  for (int32_t at = 0; at < from.length();) {
    const UChar32 c = from.char32At(at);
    at += U16_LENGTH(c);
    const bool hidden =
        u_iscntrl(c) || IsUnseen(c) || (c != ' ' && u_isUWhiteSpace(c));
    if (!hidden) {
      out.append(c);
      continue;
    }
    const std::string code = c > 0xffff ? absl::StrFormat("\\U%08x", c)
                                        : absl::StrFormat("\\u%04x", c);
    out.append(icu::UnicodeString::fromUTF8(code));
  }
  std::string shown;
  out.toUTF8String(shown);
  return shown;
}

bool NormalizeJson(nlohmann::json& value) {
  if (value.is_string()) {
    return NormalizeNfc(value.get_ref<std::string&>());
  }
  bool changed = false;
  if (value.is_structured()) {
    for (nlohmann::json& item : value) changed |= NormalizeJson(item);
  }
  return changed;
}

bool IsNfc(const nlohmann::json& value) {
  if (value.is_string()) {
    return NormalizerFor(value.get_ref<const std::string&>()) == nullptr;
  }
  return !value.is_structured() ||
         std::all_of(value.begin(), value.end(), IsNfc);
}

}  // namespace sft::data
