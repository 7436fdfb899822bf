#include "harness/data/prepare/unicode.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <algorithm>

#include "harness/data/prepare/checks.h"

namespace sft {

bool NormalizeNfc(std::string& text) {
  if (std::all_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 128; })) {
    return false;
  }
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  if (U_FAILURE(error)) return false;
  const icu::StringPiece piece(text.data(), static_cast<int32_t>(text.size()));
  if (nfc->isNormalizedUTF8(piece, error) || U_FAILURE(error)) return false;
  std::string normal;
  icu::StringByteSink<std::string> sink(&normal);
  nfc->normalizeUTF8(0, piece, sink, nullptr, error);
  if (U_FAILURE(error) || normal == text) return false;
  text = std::move(normal);
  return true;
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

void LookForUnicode(PrepareState& state, const TableRow& row, uint32_t index) {
  if (row.changed) state.Flag(index, CheckId::kUnicode);
}

}  // namespace sft
