// safetensors: u64 little-endian header length, JSON header, raw bytes.
// Format: huggingface/safetensors. Everything is length-checked before it is
// allocated; f64, f32, f16, bf16, i64, i32 and u8 can be read, a tensor of any
// other type may be there and is left alone.
#ifndef HARNESS_FORMATS_SAFETENSORS_H_
#define HARNESS_FORMATS_SAFETENSORS_H_

#include <c10/core/ScalarType.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/files.h"

namespace sft::formats {

struct SafetensorsEntry {
  std::string name;
  at::ScalarType dtype = at::kFloat;  // Undefined: known by its size alone
  std::string dtype_name;             // "F32"
  std::vector<int64_t> shape;
  uint64_t begin_bytes = 0;  // from the start of the file
  uint64_t size_bytes = 0;
};

// An open file: checked header, mapped data.
class SafetensorsFile {
 public:
  static absl::StatusOr<SafetensorsFile> Open(const std::string& path);

  const std::string& path() const { return map_.path(); }
  const MappedFile& map() const { return map_; }
  const std::vector<SafetensorsEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& meta() const { return meta_; }
  // Not aligned.
  const uint8_t* data(const SafetensorsEntry& entry) const {
    return map_.data() + entry.begin_bytes;
  }

 private:
  explicit SafetensorsFile(MappedFile map) : map_(std::move(map)) {}

  MappedFile map_;
  std::vector<SafetensorsEntry> entries_;  // in the order of the data
  std::map<std::string, std::string> meta_;
};

// All tensors of one file, copied out of the map, dtype as stored.
absl::StatusOr<std::vector<NamedTensor>> ReadSafetensors(
    const std::string& path);
// Written atomically; tensors must be contiguous CPU tensors or are made so.
absl::Status WriteSafetensors(const std::string& path,
                              const std::vector<NamedTensor>& tensors,
                              const std::map<std::string, std::string>& meta);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_SAFETENSORS_H_
