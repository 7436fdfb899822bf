// Decoders of a tokenizer.json: from tokens back to text.
#ifndef HARNESS_TEXT_DECODER_H_
#define HARNESS_TEXT_DECODER_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::text {

class TokenDecoder {
 public:
  virtual ~TokenDecoder() = default;
  // Rewrites the tokens; their concatenation is the text.
  virtual void Apply(std::vector<std::string>* tokens) const = 0;
};

// Never null; JSON null puts a space between tokens, as `tokenizers` does.
absl::StatusOr<std::unique_ptr<TokenDecoder>> ParseDecoder(
    const nlohmann::json& config, const std::string& file);

}  // namespace sft::text

#endif  // HARNESS_TEXT_DECODER_H_
