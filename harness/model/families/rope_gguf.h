// What GGUF files say of rotary positions: keys <architecture>.rope.* and the
// tensor rope_freqs.weight, which llama.cpp writes for Llama 3.1: divisors of
// the angles. Any scaling that is not of rope.h's types is refused in one line.
#ifndef HARNESS_MODEL_FAMILIES_ROPE_GGUF_H_
#define HARNESS_MODEL_FAMILIES_ROPE_GGUF_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "harness/formats/gguf.h"
#include "harness/formats/gguf_writer.h"
#include "harness/model/families/config.h"

namespace sft::model {

inline constexpr char kRopeDivisors[] = "rope_freqs.weight";

// c's sizes and theta are read by then.
absl::Status ReadGgufRope(const formats::GgufFile& file,
                          const std::string& architecture, DecoderConfig& c);
// InvalidArgument that begins with `where`, of what llama.cpp cannot do.
absl::Status WriteGgufRope(const std::string& where,
                           const std::string& architecture,
                           const DecoderConfig& c, formats::GgufKeys& keys);
// The tensor kRopeDivisors [H/2]; empty where there is none.
std::vector<float> GgufRopeDivisors(const DecoderConfig& c);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_ROPE_GGUF_H_
