// What config.json says of an encoder's tokens' places where there is no table
// of positions: angles and windows, or distances.
#ifndef HARNESS_MODEL_FAMILIES_ENCODER_PLACES_H_
#define HARNESS_MODEL_FAMILIES_ENCODER_PLACES_H_

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "harness/formats/json_fields.h"
#include "harness/model/families/encoder_config.h"

namespace sft::model {

// Into `c`, whose layout says which there are, and whose sizes are read.
// Rotary ones: "local_attention", "layer_types" or
// "global_attn_every_n_layers", and thetas by the keys of transformers 4 or 5.
absl::Status ReadPlaces(const formats::JsonFields& fields, EncoderConfig& c);
// The keys of both versions.
void WritePlaces(const EncoderConfig& c, nlohmann::ordered_json& out);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_ENCODER_PLACES_H_
