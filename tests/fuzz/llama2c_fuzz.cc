// llama2.c's files: the bytes as a model, and as a tokenizer.
#include "harness/formats/llama2c.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  const MemoryFile memory(bytes);
  (void)formats::BeginsAsLlama2c(memory.path());
  if (const auto model = formats::Llama2cFile::Open(memory.path());
      model.ok()) {
    for (const formats::Llama2cTensor& tensor : model->tensors()) {
      int64_t floats = 1;
      for (const int64_t size : tensor.shape) floats *= size;
      // The last byte of each is read.
      volatile uint8_t last = tensor.data[4 * floats - 1];
      (void)last;
    }
  }
  for (const int64_t vocabulary : {5, 262}) {
    auto data = formats::ReadLlama2cTokenizer(memory.path(), vocabulary);
    if (!data.ok()) continue;
    const auto made = text::MakeTokenizerFromGguf(*std::move(data));
    if (made.ok()) (void)(*made)->Encode("a text \xe2\x82\xac");
  }
}

}  // namespace sft::fuzz
