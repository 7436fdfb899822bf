// What GGUF files say of rotary positions: keys <architecture>.rope.* and the
// tensors of divisors of the angles that llama.cpp has for Llama 3.1 and for
// LongRoPE. Any scaling that is not of rope.h's types is refused in one line.
#ifndef HARNESS_MODEL_FAMILIES_ROPE_GGUF_H_
#define HARNESS_MODEL_FAMILIES_ROPE_GGUF_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "harness/formats/gguf.h"
#include "harness/formats/gguf_writer.h"
#include "harness/model/families/config.h"

namespace sft::model {

struct GgufRopeTensor {
  std::string name;
  std::vector<float> values;  // half of what is rotated of a head
};

// c's sizes and theta are read by then.
absl::Status ReadGgufRope(const formats::GgufFile& file,
                          const std::string& architecture, DecoderConfig& c);
// InvalidArgument that begins with `where`, of what llama.cpp cannot do.
absl::Status WriteGgufRope(const std::string& where,
                           const std::string& architecture,
                           const DecoderConfig& c, formats::GgufKeys& keys);
std::vector<GgufRopeTensor> GgufRopeTensors(const DecoderConfig& c);
// Whether a tensor is one of those: it is no weight.
bool IsGgufRope(const std::string& name);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_ROPE_GGUF_H_
