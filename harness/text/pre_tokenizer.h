// Pre-tokenizers of a tokenizer.json: they cut normalized text into words
// that the subword model then looks at one by one.
#ifndef HARNESS_TEXT_PRE_TOKENIZER_H_
#define HARNESS_TEXT_PRE_TOKENIZER_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/text/aligned_text.h"

namespace sft::text {

struct PreTokenizedText {
  AlignedText text;
  std::vector<ByteRange> pieces;  // of text, ascending, none empty

  std::string_view Piece(ByteRange range) const {
    return std::string_view(text.text())
        .substr(range.begin, range.end - range.begin);
  }
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void Apply(PreTokenizedText* text) const = 0;
};

// Never null; JSON null is the pre-tokenizer that does nothing.
absl::StatusOr<std::unique_ptr<PreTokenizer>> ParsePreTokenizer(
    const nlohmann::json& config, const std::string& file);

}  // namespace sft::text

#endif  // HARNESS_TEXT_PRE_TOKENIZER_H_
