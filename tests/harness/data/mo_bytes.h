// A gettext catalogue made by hand.
#ifndef TESTS_HARNESS_DATA_MO_BYTES_H_
#define TESTS_HARNESS_DATA_MO_BYTES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sft::data {

inline void PutWord(uint32_t word, bool big_endian, size_t at,
                    std::string& bytes) {
  for (size_t i = 0; i < 4; ++i) {
    bytes[at + i] =
        static_cast<char>(word >> (8 * (big_endian ? 3 - i : i)) & 0xff);
  }
}

// The pairs (message, translation) as a .mo file without a hash table.
inline std::string MoBytes(
    const std::vector<std::pair<std::string, std::string>>& messages,
    bool big_endian = false) {
  const size_t count = messages.size(), texts = 28,
               translations = 28 + 8 * count;
  std::string bytes(28 + 16 * count, '\0');
  const size_t header[] = {0x950412de,   0, count,       texts,
                           translations, 0, bytes.size()};
  for (size_t i = 0; i < 7; ++i) {
    PutWord(static_cast<uint32_t>(header[i]), big_endian, 4 * i, bytes);
  }
  auto add = [&](const std::string& text, size_t entry) {
    PutWord(static_cast<uint32_t>(text.size()), big_endian, entry, bytes);
    PutWord(static_cast<uint32_t>(bytes.size()), big_endian, entry + 4, bytes);
    bytes += text + '\0';
  };
  for (size_t i = 0; i < count; ++i) add(messages[i].first, texts + 8 * i);
  for (size_t i = 0; i < count; ++i) {
    add(messages[i].second, translations + 8 * i);
  }
  return bytes;
}

}  // namespace sft::data

#endif  // TESTS_HARNESS_DATA_MO_BYTES_H_
