// The pre-tokenizers that GGUF files name in tokenizer.ggml.pre, as llama.cpp
// has them (src/llama-vocab.cpp), written as tokenizer.json would.
#ifndef HARNESS_TEXT_GGUF_PRE_TOKENIZER_H_
#define HARNESS_TEXT_GGUF_PRE_TOKENIZER_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace sft::text {

struct GgufPreTokenizer {
  nlohmann::json pre_tokenizer;
  bool ignore_merges = false;
  bool adds_bos = false;  // where the file does not say (llama.cpp)
};

// The error names `file` and what is supported.
absl::StatusOr<GgufPreTokenizer> GgufPreTokenizerOf(const std::string& pre,
                                                    const std::string& file);

// The name of a tokenizer.json's "pre_tokenizer"; "" where llama.cpp has none
// that cuts text in the same way.
std::string GgufPreTokenizerName(const nlohmann::json& pre_tokenizer,
                                 bool ignore_merges);

// tokenizer.json's ByteLevel, as pre-tokenizer and as decoder.
nlohmann::json ByteLevelJson(bool use_regex);

}  // namespace sft::text

#endif  // HARNESS_TEXT_GGUF_PRE_TOKENIZER_H_
