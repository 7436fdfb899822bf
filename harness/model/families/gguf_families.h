// The decoder families that llama.cpp knows: what it calls each, and what it
// takes for granted of it.
#ifndef HARNESS_MODEL_FAMILIES_GGUF_FAMILIES_H_
#define HARNESS_MODEL_FAMILIES_GGUF_FAMILIES_H_

#include <cstdint>
#include <string_view>
#include <vector>

namespace sft::model {

struct GgufFamily {
  // Where the head is the embedding.
  enum class TiedHead {
    kLeftOut,      // and one in the file is the model's own
    kAlways,       // no file may have a head of its own
    kWrittenTwice  // every file must have a head
  };
  std::string_view family;        // of DecoderFamilies()
  std::string_view architecture;  // "general.architecture"
  bool interleaved = false;       // its converter permutes the rows of q and k
  TiedHead tied_head = TiedHead::kLeftOut;
  bool has_windows = false;  // else every layer sees all
  bool output_bias = false;  // of "o" may be there
  bool mlp_bias = false;
  bool has_scales = false;      // keys *_scale
  bool has_parallel = false;    // "use_parallel_residual"
  int64_t unrotated_every = 0;  // every so many layers one does not rotate
  // A model of so many layers divides scores by the root of width / heads, any
  // other by that of the head's width.
  int64_t layers_scaled_by_width = 0;
};

const std::vector<GgufFamily>& GgufFamilies();
// nullptr for a family that llama.cpp does not know.
const GgufFamily* FindGgufFamily(std::string_view family);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_GGUF_FAMILIES_H_
