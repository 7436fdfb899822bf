// Where the tensors of a decoder are in a GGUF file: llama.cpp has one name for
// a part of a block, whatever the family, so all follows from the layout.
#ifndef HARNESS_MODEL_FAMILIES_GGUF_PLACES_H_
#define HARNESS_MODEL_FAMILIES_GGUF_PLACES_H_

#include <cstdint>
#include <map>
#include <string>

#include "harness/model/families/config.h"

namespace sft::model {

struct GgufPlace {
  std::string name;  // "blk.0.attn_q.weight"
  // Rows of each head come as pairs (0, H/2), (1, H/2+1), ...: llama.cpp's
  // interleaved rotation. 0: in order.
  int64_t interleaved_head_width = 0;
  float shift = 0;  // what the file's numbers have on top of ours
};

// By Hugging Face name: every tensor that a model of this config may have, with
// biases that it may lack. Matrices are [out, in] in the file.
std::map<std::string, GgufPlace> GgufPlaces(const DecoderConfig& config);

// "attn_q": the part of a block that is called so.
std::string_view GgufPart(Role role);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_GGUF_PLACES_H_
