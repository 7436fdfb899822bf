// safetensors: u64 little-endian header length, JSON header, raw bytes.
// Format: huggingface/safetensors. Everything is length-checked before it is
// allocated; a file may hold f64, f32, f16, bf16, i64, i32, u8.
#ifndef HARNESS_MODEL_SAFETENSORS_H_
#define HARNESS_MODEL_SAFETENSORS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"

namespace sft {

// All tensors of one file, copied out of the map, dtype as stored.
absl::StatusOr<std::vector<NamedTensor>> ReadSafetensors(
    const std::string& path);
// Written atomically; tensors must be contiguous CPU tensors or are made so.
absl::Status WriteSafetensors(const std::string& path,
                              const std::vector<NamedTensor>& tensors,
                              const std::map<std::string, std::string>& meta);

}  // namespace sft

#endif  // HARNESS_MODEL_SAFETENSORS_H_
