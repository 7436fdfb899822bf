// Guesses of what a text goes on with, from the text itself: prompt lookup
// (A. Saxena, Prompt Lookup Decoding, 2023). A step of a generation reads them
// beside the token that is certain, for a weight read once serves a few rows;
// those that the model then chooses itself stand (Leviathan et al., 2023,
// section 2, of a draft without chance). Answers are the same, token for token,
// in fewer steps.
#ifndef HARNESS_MODEL_GENERATE_GUESS_H_
#define HARNESS_MODEL_GENERATE_GUESS_H_

#include <cstdint>
#include <vector>

namespace sft::model {

// Tokens guessed a step: kFewGuesses, and kManyGuesses behind guesses that were
// all right. A step that guesses has at most kGuessedRows rows.
inline constexpr int64_t kFewGuesses = 3, kManyGuesses = 7, kGuessedRows = 8;

// `count` tokens which followed the last place where the text's last three
// tokens, or else its last two, stood before; empty if they did not. Where the
// place is near the end, what was guessed goes on.
std::vector<int32_t> GuessNext(const std::vector<int32_t>& text, int64_t count);

}  // namespace sft::model

#endif  // HARNESS_MODEL_GENERATE_GUESS_H_
