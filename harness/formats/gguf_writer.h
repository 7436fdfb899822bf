// Writes GGUF version 3: keys, then tensors one after another, each asked for
// when its turn comes and written a few rows at a time, so that no more than
// one tensor is ever held beside the model.
#ifndef HARNESS_FORMATS_GGUF_WRITER_H_
#define HARNESS_FORMATS_GGUF_WRITER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "harness/formats/dequant.h"
#include "harness/formats/gguf_tokenizer.h"

namespace sft::formats {

// Keys in the order of the file. Numbers are stored as llama.cpp reads them:
// u32 and f32 alone, i32 and f32 in arrays.
class GgufKeys {
 public:
  void Whole(const std::string& key, int64_t value);  // 0 to 2^32 - 1
  void Real(const std::string& key, double value);
  void Flag(const std::string& key, bool value);
  void Text(const std::string& key, std::string_view value);
  void Wholes(const std::string& key, const std::vector<int32_t>& values);
  void Reals(const std::string& key, const std::vector<float>& values);
  void Flags(const std::string& key, const std::vector<bool>& values);
  void Texts(const std::string& key, const std::vector<std::string>& values);
  void Bytes(const std::string& key, std::string_view values);  // u8
  // Type and value as another file has them (GgufFile::RawValue).
  void Raw(const std::string& key, std::string_view bytes);
  void Append(const GgufKeys& more);

  const std::vector<std::pair<std::string, std::string>>& rows() const {
    return rows_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
};

// Keys "tokenizer.ggml.*" and "tokenizer.chat_template", as TokenizerOf() reads
// them.
GgufKeys TokenizerKeys(const GgufTokenizerData& data);

// Fills a row of f32.
using RowReader = std::function<void(int64_t row, float* out)>;

struct GgufOutTensor {
  std::string name;
  std::vector<int64_t> shape;         // row-major
  const StorageType* type = nullptr;  // can be written; divides a row
  std::function<RowReader()> open;    // once, when its turn comes
};

// Written whole or not at all. InvalidArgument where a weight is too large for
// its type.
absl::Status WriteGguf(const std::string& path, const GgufKeys& keys,
                       const std::vector<GgufOutTensor>& tensors);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_GGUF_WRITER_H_
