// The post-processor of a tokenizer.json: which special tokens stand around one
// text or a pair, and whether offsets leave out the spaces of words.
#ifndef HARNESS_TEXT_POST_PROCESSOR_H_
#define HARNESS_TEXT_POST_PROCESSOR_H_

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"

namespace sft::text {

struct PostProcessor {
  AddedIds single;  // around one text
  // nullopt: no token is added, or not in the form of InputLayout.
  std::optional<InputLayout> layout;
  // Offsets begin behind the spaces of a token, and end before them.
  bool trims_offsets = false;
  // But for one space of a token at the very beginning.
  bool keeps_first_space = false;
};

// What the vocabulary knows of a token; nullopt if it is not there.
using TokenIdFn = std::function<std::optional<int32_t>(std::string_view)>;

// TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, and
// sequences of them; null is none. A special token must have the id that the
// vocabulary gives it.
absl::StatusOr<PostProcessor> ParsePostProcessor(const nlohmann::json& config,
                                                 const TokenIdFn& id_of,
                                                 const std::string& file);

// Whether a pre-tokenizer cuts words with the space before them (ByteLevel).
bool CutsWordsWithSpace(const nlohmann::json& pre_tokenizer);

}  // namespace sft::text

#endif  // HARNESS_TEXT_POST_PROCESSOR_H_
