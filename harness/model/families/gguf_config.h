// DecoderConfig as the keys of a GGUF file, by the rows of families.h.
#ifndef HARNESS_MODEL_FAMILIES_GGUF_CONFIG_H_
#define HARNESS_MODEL_FAMILIES_GGUF_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/formats/gguf.h"
#include "harness/formats/gguf_writer.h"
#include "harness/model/families/config.h"

namespace sft::model {

absl::StatusOr<DecoderConfig> ConfigFromGguf(const formats::GgufFile& file);

struct GgufMetadata {
  formats::GgufKeys keys;
  // The file must have a head, though the model's is its embedding.
  bool writes_head = false;
  // A line each of what llama.cpp computes otherwise.
  std::vector<std::string> notes;
};
// InvalidArgument that begins with `where` for a model that llama.cpp does not
// know, or not with these numbers.
absl::StatusOr<GgufMetadata> GgufMetadataOf(const std::string& where,
                                            const DecoderConfig& config);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_GGUF_CONFIG_H_
