#include "harness/core/display_width.h"

#include "harness/core/utf8.h"

namespace sft {
namespace {

constexpr char32_t kFirstWide = 0x1100;
constexpr std::string_view kCut = "..";

size_t ColumnsOfChar(char32_t code_point) {
  return code_point >= kFirstWide ? 2 : 1;
}

}  // namespace

size_t DisplayColumns(std::string_view text) {
  size_t columns = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char one = DecodeUtf8At(text, at);
    columns += ColumnsOfChar(one.code_point);
    at += one.size_bytes;
  }
  return columns;
}

std::string CutColumns(std::string_view text, size_t columns) {
  std::string out;
  size_t used = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char one = DecodeUtf8At(text, at);
    used += ColumnsOfChar(one.code_point);
    if (used > columns) break;
    // Also C1 controls, which some terminals obey.
    const bool is_control = one.code_point < 0x20 ||
                            (one.code_point >= 0x7F && one.code_point < 0xA0);
    AppendUtf8(is_control ? U' ' : one.code_point, &out);
    at += one.size_bytes;
  }
  return out;
}

std::string FitColumns(std::string_view text, size_t columns) {
  if (DisplayColumns(text) <= columns) return CutColumns(text, columns);
  const std::string_view mark = kCut.substr(0, columns);
  return CutColumns(text, columns - mark.size()).append(mark);
}

}  // namespace sft
