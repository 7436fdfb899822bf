// Where the tensors of a decoder are in a GGUF file: llama.cpp has one name for
// a part of a block, whatever the family, so all follows from the layout.
#ifndef HARNESS_MODEL_FAMILIES_GGUF_PLACES_H_
#define HARNESS_MODEL_FAMILIES_GGUF_PLACES_H_

#include <cstdint>
#include <map>
#include <string>

#include "harness/model/families/config.h"

namespace sft::model {

// How the rows of a matrix, or the numbers of a vector, lie in the file.
struct GgufRows {
  enum class Order {
    kSame,
    // Of each head as pairs (0, H/2), (1, H/2+1), ...: llama.cpp's interleaved
    // rotation.
    kPairs,
    // All queries, all keys, all values; ours go head by head.
    kParts
  };
  Order order = Order::kSame;
  int64_t heads = 0, head_width = 0;
  // Which of ours is row `row` of the file.
  int64_t Ours(int64_t row) const;
};

struct GgufPlace {
  std::string name;  // "blk.0.attn_q.weight"
  GgufRows rows;
  float shift = 0;  // what the file's numbers have on top of ours
};

// By Hugging Face name: every tensor that a model of this config may have, with
// biases that it may lack. Matrices are [out, in] in the file.
std::map<std::string, GgufPlace> GgufPlaces(const DecoderConfig& config);

// "attn_q": the part of a block that is called so.
std::string_view GgufPart(Role role);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_GGUF_PLACES_H_
