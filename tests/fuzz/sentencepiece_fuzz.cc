// tokenizer.model: what loads also encodes and decodes.
#include "harness/formats/sentencepiece.h"
#include "harness/text/sentencepiece_tokenizer.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  const auto model = formats::ParseSentencePiece(bytes, "tokenizer.model");
  if (!model.ok()) return;
  auto parts = text::MakeSentencePieceParts(
      *model, {}, text::DummyPrefix::kEverySection, "tokenizer.model");
  if (!parts.ok()) return;
  const text::ComposedTokenizer tokenizer(*std::move(parts));
  const Encoding encoding = tokenizer.EncodeWithOffsets(
      "  Some text, 12\n\t\xe2\x82\xac <s> e\xcc\x81 \xef\xbc\xa1\xff ");
  (void)tokenizer.Decode(encoding.ids, /*skip_special_tokens=*/true);
}

}  // namespace sft::fuzz
