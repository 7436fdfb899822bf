// A folder whose tokenizer is a SentencePiece model: tokenizer.model, with what
// tokenizer_config.json and added_tokens.json say beside it.
#ifndef HARNESS_TEXT_TOKENIZER_MODEL_H_
#define HARNESS_TEXT_TOKENIZER_MODEL_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "harness/text/composed_tokenizer.h"

namespace sft::text {

// Its path; "" where the folder has none.
std::string TokenizerModelPath(const std::string& folder);

// `config` is tokenizer_config.json, or an empty object. A tokenizer_class that
// reads the file in a way of its own (ids that are moved, tokens that only its
// code knows) is an error that names it.
absl::StatusOr<TokenizerParts> ReadTokenizerModel(const std::string& folder,
                                                  const nlohmann::json& config);

}  // namespace sft::text

#endif  // HARNESS_TEXT_TOKENIZER_MODEL_H_
