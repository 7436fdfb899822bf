// What the ends of turns are made of: special tokens, and the bytes of text
// that are theirs.
#ifndef HARNESS_DATA_SPECIAL_TOKENS_H_
#define HARNESS_DATA_SPECIAL_TOKENS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/core/tokenizer.h"

namespace sft::data {

void StripSpaces(std::string& text);  // at its end

// Whether a text without special tokens has nothing of `id`.
bool IsSpecial(const Tokenizer& tokenizer, int32_t id);
// Whether the tokenizer's files say that `id` ends an answer.
bool EndsTurns(const Tokenizer& tokenizer, int32_t id);
// Bytes of `span`, a token's, through the token itself: an added token may have
// swallowed white space behind it.
size_t OwnSize(const Tokenizer& tokenizer, int32_t id, std::string_view span);

}  // namespace sft::data

#endif  // HARNESS_DATA_SPECIAL_TOKENS_H_
