// What config.json says of rotary positions. Any scaling that is not of
// rope.h's types is refused in one line.
#ifndef HARNESS_MODEL_FAMILIES_ROPE_CONFIG_H_
#define HARNESS_MODEL_FAMILIES_ROPE_CONFIG_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "harness/formats/json_fields.h"
#include "harness/model/families/families.h"

namespace sft::model {

// What config.json calls the kinds of a decoder's layers.
inline constexpr char kFullAttention[] = "full_attention";
inline constexpr char kSlidingAttention[] = "sliding_attention";

// "rope_scaling" (transformers 4) where it is set, else "rope_parameters" (5),
// which may be split by kind of layer; c.max_positions is read by then.
absl::Status ReadRope(const std::string& where,
                      const formats::JsonFields& fields,
                      const DecoderFamily& family, DecoderConfig& c);
// The keys of both versions.
void WriteRope(const DecoderFamily& family, const DecoderConfig& c,
               nlohmann::ordered_json& out);

// YaRN's factor of cos and sin where none is given.
double YarnAttentionFactor(double factor, double mscale);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_ROPE_CONFIG_H_
