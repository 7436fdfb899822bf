// A SentencePiece model as a tokenizer, with what stands beside it: added
// tokens, and which texts begin with the dummy prefix. The ids of a text
// without added tokens are those of the `sentencepiece` library.
#ifndef HARNESS_TEXT_SENTENCEPIECE_TOKENIZER_H_
#define HARNESS_TEXT_SENTENCEPIECE_TOKENIZER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/formats/sentencepiece.h"
#include "harness/text/composed_tokenizer.h"
#include "harness/text/sentencepiece_normalizer.h"

namespace sft::text {

// Control pieces written in a text are their ids, as in every tokenizer here:
// they are added tokens, beside those of `added`, which come first. `model` has
// been checked.
absl::StatusOr<TokenizerParts> MakeSentencePieceParts(
    const formats::SentencePieceModel& model, std::vector<AddedToken> added,
    DummyPrefix prefix, const std::string& file);

}  // namespace sft::text

#endif  // HARNESS_TEXT_SENTENCEPIECE_TOKENIZER_H_
