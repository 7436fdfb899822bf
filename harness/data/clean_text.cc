#include "harness/data/clean_text.h"

namespace sft::data {
namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

std::string CollapseSpace(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool space = false;
  for (char c : text) {
    if (IsSpace(c)) {
      space = true;
      continue;
    }
    if (space && !out.empty()) out += ' ';
    space = false;
    out += c;
  }
  return out;
}

std::string FirstWords(const std::string& text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = text.rfind(' ', max_bytes);
  if (end == std::string::npos || end == 0) {
    end = max_bytes;
    // Not within a character.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
      --end;
    }
  }
  return text.substr(0, end);
}

}  // namespace sft::data
