// GGUF, version 2 and 3, little-endian: magic, counts, metadata, tensor
// records, aligned data. Format: ggml/docs/gguf.md. Files are mapped; every
// count, length, offset and product of dimensions is checked against their size
// before anything is allocated. A model may be split over several
// (keys split.*): the first has the metadata, each has tensors.
#ifndef HARNESS_FORMATS_GGUF_H_
#define HARNESS_FORMATS_GGUF_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/files.h"
#include "harness/formats/dequant.h"
#include "harness/formats/gguf_tokenizer.h"
#include "harness/formats/gguf_value.h"

namespace sft::formats {

struct GgufTensor {
  std::string file;  // for messages
  size_t part = 0;   // of a split model, from 0
  std::string name;
  std::vector<int64_t> shape;  // row-major: the reverse of the file's order
  uint64_t ggml_id = 0;
  const StorageType* type = nullptr;  // nullptr: cannot be read
  const uint8_t* data = nullptr;      // into the map; whole if type is set
};

class GgufFile {
 public:
  // With all parts of a split model, of which `path` is the first.
  static absl::StatusOr<GgufFile> Open(const std::string& path);

  const std::string& path() const { return maps_[0].path(); }
  // What a tensor's data lie in; valid as long as this file.
  const MappedFile& MapOf(const GgufTensor& tensor) const {
    return maps_[tensor.part];
  }
  const std::map<std::string, GgufValue>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  // The value of a key; the error says whether it lacks or has another type.
  template <class T>
  absl::StatusOr<T> Get(const std::string& key) const;
  bool Has(const std::string& key) const { return metadata_.count(key) > 0; }
  // The bytes of a key's type and value; the key is there.
  std::string_view RawValue(const std::string& key) const {
    return raw_.at(key);
  }

 private:
  explicit GgufFile(MappedFile map) { maps_.push_back(std::move(map)); }
  static absl::StatusOr<GgufFile> OpenPart(const std::string& path);
  // The number at split.* of this part; an error unless it is `wanted`.
  absl::Status CheckPart(const std::string& key, int64_t wanted) const;

  std::vector<MappedFile> maps_;
  std::map<std::string, GgufValue> metadata_;
  std::map<std::string, std::string_view> raw_;  // into the map
  std::vector<GgufTensor> tensors_;
};

// The files of a model that is split as its name says
// (m-00001-of-00003.gguf), in order; else `path` alone.
std::vector<std::string> GgufParts(const std::string& path);

// Keys "tokenizer.ggml.*" and "tokenizer.chat_template".
absl::StatusOr<GgufTokenizerData> TokenizerOf(const GgufFile& file);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_GGUF_H_
