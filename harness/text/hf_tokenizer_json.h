// Builds the pipeline that a parsed tokenizer.json describes.
#ifndef HARNESS_TEXT_HF_TOKENIZER_JSON_H_
#define HARNESS_TEXT_HF_TOKENIZER_JSON_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/text/composed_tokenizer.h"

namespace sft::text {

// Normalizer, pre-tokenizer, decoder and added tokens around `model`.
// `pipeline` holds "normalizer", "pre_tokenizer" and "decoder".
absl::StatusOr<TokenizerParts> AssembleTokenizer(
    std::unique_ptr<SubwordModel> model, std::vector<AddedToken> added,
    const nlohmann::json& pipeline, const std::string& file);

// Truncation and padding are ignored, and encoding adds no token: what the
// post_processor would add is in input_layout().
absl::StatusOr<TokenizerParts> ParseTokenizerJson(const nlohmann::json& root,
                                                  const std::string& file);

}  // namespace sft::text

#endif  // HARNESS_TEXT_HF_TOKENIZER_JSON_H_
