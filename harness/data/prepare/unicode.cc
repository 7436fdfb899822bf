#include "harness/data/prepare/unicode.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "harness/data/clean_text.h"
#include "harness/data/prepare/checks.h"

namespace sft {
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

std::string FoldedText(const std::string& text) {
  std::string folded;
  icu::UnicodeString::fromUTF8(text).foldCase().toUTF8String(folded);
  NormalizeNfc(folded);
  return CollapseSpace(folded);
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

void LookForUnicode(PrepareState& state, const TableRow& row, uint32_t index) {
  if (row.changed) state.Flag(index, CheckId::kUnicode);
}

}  // namespace sft
