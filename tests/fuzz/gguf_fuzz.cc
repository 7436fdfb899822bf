// GGUF files: metadata, tensors as f32, the tokenizer they describe.
#include <algorithm>
#include <vector>

#include "harness/formats/gguf.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  const MemoryFile memory(bytes);
  const auto file = formats::GgufFile::Open(memory.path());
  if (!file.ok()) return;
  for (const formats::GgufTensor& tensor : file->tensors()) {
    if (tensor.type == nullptr) continue;
    int64_t elements = 1;
    for (const int64_t size : tensor.shape) elements *= size;
    const int64_t blocks =
        std::min<int64_t>(elements / tensor.type->block_elements, 64);
    std::vector<float> out(
        static_cast<size_t>(blocks * tensor.type->block_elements));
    tensor.type->to_float(tensor.data, blocks, out.data());
  }
  auto tokenizer = formats::TokenizerOf(*file);
  if (!tokenizer.ok()) return;
  const auto made = text::MakeTokenizerFromGguf(*std::move(tokenizer));
  if (made.ok()) (void)(*made)->Encode("a text \xe2\x82\xac");
}

}  // namespace sft::fuzz
