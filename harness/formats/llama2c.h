// llama2.c's files: a model of version 0 (karpathy/llama2.c, export.py,
// legacy_export), seven int32 and then its tensors as f32, one kind after
// another, each of all layers; and tokenizer.bin, pieces with scores.
#ifndef HARNESS_FORMATS_LLAMA2C_H_
#define HARNESS_FORMATS_LLAMA2C_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/files.h"
#include "harness/formats/gguf_tokenizer.h"

namespace sft::formats {

struct Llama2cHeader {
  int64_t width = 0, ffn_width = 0, layers = 0, heads = 0, kv_heads = 0;
  int64_t vocabulary = 0;
  int64_t positions = 0;
  // The head is the embedding; in the file, the vocabulary is then positive.
  bool tied_head = false;

  int64_t head_width() const { return width / heads; }
};

enum class Llama2cPart {
  kEmbedding,
  kAttentionNorm,
  kQuery,
  kKey,
  kValue,
  kAttentionOutput,
  kFfnNorm,
  kGate,
  kDown,
  kUp,
  kFinalNorm,
  kHead,
};

struct Llama2cTensor {
  Llama2cPart part;
  int64_t layer = -1;  // -1: of none
  std::vector<int64_t> shape;
  const uint8_t* data = nullptr;  // f32, into the map
};

class Llama2cFile {
 public:
  static absl::StatusOr<Llama2cFile> Open(const std::string& path);

  const std::string& path() const { return map_.path(); }
  const Llama2cHeader& header() const { return header_; }
  const std::vector<Llama2cTensor>& tensors() const { return tensors_; }

 private:
  explicit Llama2cFile(MappedFile map) : map_(std::move(map)) {}
  MappedFile map_;
  Llama2cHeader header_;
  std::vector<Llama2cTensor> tensors_;
};

// Whether it begins as such a model does, of this version or a later one.
bool BeginsAsLlama2c(const std::string& path);

// The tokenizer of `vocabulary` tokens that lies beside `model`: tok<N>.bin, or
// tokenizer.bin; as GGUF would hold it.
absl::StatusOr<GgufTokenizerData> ReadLlama2cTokenizer(const std::string& path,
                                                       int64_t vocabulary);
// Where that is; NotFound names both.
absl::StatusOr<std::string> Llama2cTokenizerPath(const std::string& model,
                                                 int64_t vocabulary);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_LLAMA2C_H_
