// GPT-2's reversible map between bytes and printable characters.
#ifndef HARNESS_TEXT_BYTE_LEVEL_H_
#define HARNESS_TEXT_BYTE_LEVEL_H_

#include <optional>
#include <string>
#include <string_view>

namespace sft::text {

// The split pattern of GPT-2 (openai/gpt-2, encoder.py).
inline constexpr char kGpt2Pattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+)"
    R"(|\s+(?!\S)|\s+)";

// The UTF-8 character that stands for `byte`.
const std::string& ByteToChar(unsigned char byte);
// The bytes a token stands for; nullopt if a character is not in the map.
std::optional<std::string> CharsToBytes(std::string_view token);

}  // namespace sft::text

#endif  // HARNESS_TEXT_BYTE_LEVEL_H_
