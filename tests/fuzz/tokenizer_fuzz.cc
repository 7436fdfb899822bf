// tokenizer.json: what loads also encodes and decodes.
#include "harness/formats/json.h"
#include "harness/text/composed_tokenizer.h"
#include "harness/text/hf_tokenizer_json.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  const auto root = formats::ParseJsonDocument("tokenizer.json", bytes);
  if (!root.ok()) return;
  auto parts = text::ParseTokenizerJson(*root, "tokenizer.json");
  if (!parts.ok()) return;
  const text::ComposedTokenizer tokenizer(*std::move(parts));
  const Encoding encoding =
      tokenizer.EncodeWithOffsets("Some text, 12\n\t\xe2\x82\xac <e>");
  (void)tokenizer.Decode(encoding.ids, /*skip_special_tokens=*/true);
}

}  // namespace sft::fuzz
