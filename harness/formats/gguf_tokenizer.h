// What a GGUF file says of its tokenizer (keys "tokenizer.ggml.*"): read by
// harness/model, understood by harness/text.
#ifndef HARNESS_FORMATS_GGUF_TOKENIZER_H_
#define HARNESS_FORMATS_GGUF_TOKENIZER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sft::formats {

// Types of tokens.
inline constexpr int32_t kOrdinaryToken = 1;
inline constexpr int32_t kUnknownToken = 2;
inline constexpr int32_t kControlToken = 3;
inline constexpr int32_t kUserDefinedToken = 4;
inline constexpr int32_t kUnusedToken = 5;
inline constexpr int32_t kByteToken = 6;

struct GgufTokenizerData {
  std::string model;  // "gpt2"
  std::string pre;    // "smollm"
  std::vector<std::string> tokens;
  std::vector<int32_t> token_types;
  std::vector<std::string> merges;
  std::vector<float> scores;
  std::optional<int32_t> bos, eos, eot, eom, unk, pad;
  std::optional<bool> add_bos, add_eos;  // around every text
  bool add_space_prefix = false;
  std::optional<std::string> chat_template;
};

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_GGUF_TOKENIZER_H_
