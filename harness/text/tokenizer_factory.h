// Where tokenizers come from: a Hugging Face model folder, or a GGUF file's
// metadata (read by harness/model, handed over as a struct).
#ifndef HARNESS_TEXT_TOKENIZER_FACTORY_H_
#define HARNESS_TEXT_TOKENIZER_FACTORY_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"
#include "harness/formats/gguf_tokenizer.h"

namespace sft::text {

// Reads tokenizer.json, or tokenizer.model where that is absent; special tokens
// from tokenizer_config.json, else generation_config.json, else config.json;
// the chat template from chat_template.jinja, else tokenizer_config.json. All
// but the first may be absent. No path in these files is followed.
absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizerFromFolder(
    const std::string& folder);
// The chat template of a folder, whose tokenizer_config.json is read; nullopt
// where it has none.
absl::StatusOr<std::optional<std::string>> ChatTemplateSource(
    const std::string& folder, const nlohmann::json& tokenizer_config);

// `file` is what errors name.
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeTokenizerFromGguf(
    formats::GgufTokenizerData data, const std::string& file = "gguf");

}  // namespace sft::text

#endif  // HARNESS_TEXT_TOKENIZER_FACTORY_H_
