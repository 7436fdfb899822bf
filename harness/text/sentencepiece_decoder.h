// Pieces back to text as SentencePieceProcessor::Decode does it.
#ifndef HARNESS_TEXT_SENTENCEPIECE_DECODER_H_
#define HARNESS_TEXT_SENTENCEPIECE_DECODER_H_

#include <memory>

#include "harness/formats/sentencepiece.h"
#include "harness/text/decoder.h"

namespace sft::text {

// Where texts have the dummy prefix or spaces are removed, the space that
// begins the first piece is none of the text's. Of bytes that are no UTF-8 each
// is U+FFFD. `model` need not live on.
std::unique_ptr<TokenDecoder> MakeSentencePieceDecoder(
    const formats::SentencePieceModel& model, bool has_prefix);

}  // namespace sft::text

#endif  // HARNESS_TEXT_SENTENCEPIECE_DECODER_H_
