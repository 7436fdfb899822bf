// A Hugging Face folder's tokenizer as a GGUF file's keys, so that an exported
// model is read by llama.cpp with its own tokenizer: byte-level BPE ("gpt2"),
// and SentencePiece's BPE ("llama"), whose scores are the order of its merges.
#ifndef HARNESS_TEXT_GGUF_EXPORT_H_
#define HARNESS_TEXT_GGUF_EXPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"
#include "harness/formats/gguf_tokenizer.h"

namespace sft::text {

struct GgufTokenizerExport {
  formats::GgufTokenizerData data;
  std::vector<std::string> notes;  // what llama.cpp does otherwise, a line each
};

// `tokenizer` was read from `folder`; `vocabulary` rows has the embedding, and
// those that are no token get a name. An error where llama.cpp has no such
// tokenizer.
absl::StatusOr<GgufTokenizerExport> GgufTokenizerOfFolder(
    const std::string& folder, const Tokenizer& tokenizer, int64_t vocabulary);

}  // namespace sft::text

#endif  // HARNESS_TEXT_GGUF_EXPORT_H_
