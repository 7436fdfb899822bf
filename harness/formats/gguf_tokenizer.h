// What a GGUF file says of its tokenizer (keys "tokenizer.ggml.*"): read by
// harness/model, understood by harness/text.
#ifndef HARNESS_FORMATS_GGUF_TOKENIZER_H_
#define HARNESS_FORMATS_GGUF_TOKENIZER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sft::formats {

// Types of tokens, as PieceType has them.
inline constexpr int32_t kOrdinaryToken = 1;
inline constexpr int32_t kUnknownToken = 2;
inline constexpr int32_t kControlToken = 3;
inline constexpr int32_t kUserDefinedToken = 4;
inline constexpr int32_t kUnusedToken = 5;
inline constexpr int32_t kByteToken = 6;

struct GgufTokenizerData {
  std::string model;  // how words are cut: by merges, by scores, ...
  std::string pre;    // how text is cut into words
  std::vector<std::string> tokens;
  std::vector<int32_t> token_types;
  std::vector<std::string> merges;
  std::vector<float> scores;
  std::optional<int32_t> bos, eos, eot, eom, unk, pad, sep;
  std::optional<bool> add_bos, add_eos;  // around every text
  std::optional<bool> add_space_prefix, remove_extra_whitespaces;
  std::string charsmap;  // of a SentencePiece normalizer
  // Special tokens swallow the white space behind them: of models that
  // llama.cpp knows by name, for no key says so.
  bool strips_behind_special = false;
  std::optional<std::string> chat_template;
};

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_GGUF_TOKENIZER_H_
