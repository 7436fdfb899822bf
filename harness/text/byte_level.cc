// See byte_level.h.
#include "harness/text/byte_level.h"

#include <array>
#include <utility>

#include "harness/core/utf8.h"

namespace sft::text {
namespace {

struct Tables {
  std::array<std::string, 256> chars;
  // The map's code points all lie below 0x144.
  std::array<int, 0x144> bytes;
  Tables() {
    bytes.fill(-1);
    char32_t next = 256;
    for (int b = 0; b < 256; ++b) {
      const bool printable =
          (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      const char32_t c = printable ? static_cast<char32_t>(b) : next++;
      AppendUtf8(c, &chars[static_cast<size_t>(b)]);
      bytes[c] = b;
    }
  }
};

const Tables& GetTables() {
  static const Tables tables;
  return tables;
}

}  // namespace

const std::string& ByteToChar(unsigned char byte) {
  return GetTables().chars[byte];
}

std::optional<std::string> CharsToBytes(std::string_view token) {
  const Tables& tables = GetTables();
  std::string out;
  for (size_t i = 0; i < token.size();) {
    const Utf8Char c = DecodeUtf8At(token, i);
    i += c.size_bytes;
    if (c.code_point >= tables.bytes.size() || tables.bytes[c.code_point] < 0) {
      return std::nullopt;
    }
    out.push_back(static_cast<char>(tables.bytes[c.code_point]));
  }
  return out;
}

}  // namespace sft::text
