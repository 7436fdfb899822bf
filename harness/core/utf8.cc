// See utf8.h. Table 3-7 of the Unicode Standard: well-formed byte sequences.
#include "harness/core/utf8.h"

#include "absl/strings/str_format.h"

namespace sft {

Utf8Char DecodeUtf8At(std::string_view text, size_t position) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(text[position + i]);
  };
  const size_t left = text.size() - position;
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;  // bounds of the second byte
  char32_t value = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
    value = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    value = lead & 0x0F;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    value = lead & 0x07;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {kReplacementChar, 1, false};
  }
  for (size_t i = 1; i < length; ++i) {
    if (i >= left || byte(i) < low || byte(i) > high) {
      return {kReplacementChar, i, false};
    }
    value = (value << 6) | (byte(i) & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {value, length, true};
}

void AppendUtf8(char32_t c, std::string* out) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (c >> 6)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | (c >> 12)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | (c >> 18)));
    out->push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

bool IsValidUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, i);
    if (!c.valid) return false;
    i += c.size_bytes;
  }
  return true;
}

std::string SanitizeUtf8(std::string_view text) {
  if (IsValidUtf8(text)) return std::string(text);
  std::string out;
  out.reserve(text.size() + 16);
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, i);
    AppendUtf8(c.code_point, &out);
    i += c.size_bytes;
  }
  return out;
}

std::string_view WithoutByteOrderMark(std::string_view text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  return text.substr(0, kMark.size()) == kMark ? text.substr(kMark.size())
                                               : text;
}

size_t FirstUncleanByte(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, i);
    if (!c.valid || c.code_point == 0) return i;
    i += c.size_bytes;
  }
  return std::string_view::npos;
}

std::string Utf8Complaint(std::string_view text) {
  const size_t at = FirstUncleanByte(text);
  if (at == std::string_view::npos) return "";
  return absl::StrFormat("byte 0x%02x at column %d is no UTF-8 text",
                         static_cast<unsigned char>(text[at]), at + 1);
}

bool IsCleanUtf8(std::string_view text) {
  return FirstUncleanByte(text) == std::string_view::npos;
}

std::string CleanUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, i);
    if (c.valid && c.code_point != 0) {
      out += text.substr(i, c.size_bytes);
      i += c.size_bytes;
    } else {
      AppendUtf8(kReplacementChar, &out);
      ++i;  // a mark for each byte, so that lengths tell what was lost
    }
  }
  return out;
}

}  // namespace sft
