// What the configs of a Hugging Face folder say of its special tokens; as JSON
// objects, read by the tokenizer and by the digest of a model's files.
#ifndef HARNESS_FORMATS_SPECIAL_TOKENS_H_
#define HARNESS_FORMATS_SPECIAL_TOKENS_H_

#include <nlohmann/json.hpp>
#include <string>

namespace sft::formats {

// The text of "eos_token" in a tokenizer_config: a string, or {"content":
// string}; "" where there is none.
std::string TokenText(const nlohmann::json& config, const std::string& token);

// The integer at "eos_token_id", of a list its first; nullptr where it is none
// or -1, which is how some say "none".
const nlohmann::json* FirstTokenId(const nlohmann::json& config,
                                   const std::string& key);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_SPECIAL_TOKENS_H_
