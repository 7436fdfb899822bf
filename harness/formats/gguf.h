// GGUF, version 2 and 3, little-endian: magic, counts, metadata, tensor
// records, aligned data. Format: ggml/docs/gguf.md. The file is mapped; every
// count, length, offset and product of dimensions is checked against its size
// before anything is allocated.
#ifndef HARNESS_FORMATS_GGUF_H_
#define HARNESS_FORMATS_GGUF_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/files.h"
#include "harness/formats/dequant.h"
#include "harness/formats/gguf_tokenizer.h"
#include "harness/formats/gguf_value.h"

namespace sft::formats {

struct GgufTensor {
  std::string name;
  std::vector<int64_t> shape;  // row-major: the reverse of the file's order
  uint64_t ggml_id = 0;
  const StorageType* type = nullptr;  // nullptr: cannot be read
  const uint8_t* data = nullptr;      // into the map; whole if type is set
};

class GgufFile {
 public:
  static absl::StatusOr<GgufFile> Open(const std::string& path);

  const std::string& path() const { return map_.path(); }
  const MappedFile& map() const { return map_; }
  const std::map<std::string, GgufValue>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  // The value of a key; the error says whether it lacks or has another type.
  template <class T>
  absl::StatusOr<T> Get(const std::string& key) const;
  bool Has(const std::string& key) const { return metadata_.count(key) > 0; }

 private:
  explicit GgufFile(MappedFile map) : map_(std::move(map)) {}

  MappedFile map_;
  std::map<std::string, GgufValue> metadata_;
  std::vector<GgufTensor> tensors_;
};

// Keys "tokenizer.ggml.*" and "tokenizer.chat_template".
absl::StatusOr<GgufTokenizerData> TokenizerOf(const GgufFile& file);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_GGUF_H_
