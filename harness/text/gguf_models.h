// The parts of a GGUF file's tokenizer, by what tokenizer.ggml.model says: each
// as llama.cpp reads it (src/llama-vocab.cpp).
#ifndef HARNESS_TEXT_GGUF_MODELS_H_
#define HARNESS_TEXT_GGUF_MODELS_H_

#include <string>

#include "absl/status/statusor.h"
#include "harness/formats/gguf_tokenizer.h"
#include "harness/formats/sentencepiece.h"
#include "harness/text/composed_tokenizer.h"

namespace sft::text {

// What it has of the file beside its parts: where the file does not say.
struct GgufParts {
  TokenizerParts parts;
  bool adds_bos = false;
  bool adds_eos = false;
};

// Byte-level merges, cut into words by tokenizer.ggml.pre.
absl::StatusOr<GgufParts> GgufMergeParts(const formats::GgufTokenizerData& data,
                                         const std::string& file);
// SentencePiece models: bpe by scores, or unigram.
absl::StatusOr<GgufParts> GgufScoreParts(const formats::GgufTokenizerData& data,
                                         const std::string& file);
absl::StatusOr<GgufParts> GgufUnigramParts(
    const formats::GgufTokenizerData& data, const std::string& file);
// WordPiece, uncased.
absl::StatusOr<GgufParts> GgufWordParts(const formats::GgufTokenizerData& data,
                                        const std::string& file);

// Tokens of the types that are cut out of a text before anything else.
std::vector<AddedToken> GgufAddedTokens(const formats::GgufTokenizerData& data,
                                        bool with_unknown);

}  // namespace sft::text

#endif  // HARNESS_TEXT_GGUF_MODELS_H_
