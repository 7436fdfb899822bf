// The table of encoder families: all that is known of a family by name.
#ifndef HARNESS_MODEL_FAMILIES_ENCODER_FAMILIES_H_
#define HARNESS_MODEL_FAMILIES_ENCODER_FAMILIES_H_

#include <string_view>
#include <vector>

#include "harness/formats/json_fields.h"
#include "harness/model/families/encoder_config.h"

namespace sft::model {

struct EncoderFamily {
  std::string_view name;  // "model_type"
  const EncoderLayout* layout = nullptr;
  // What the keys of config.json are called; nullptr: as in `defaults`.
  const char* layers = "num_hidden_layers";
  const char* width = "hidden_size";
  const char* ffn_width = "intermediate_size";
  const char* heads = "num_attention_heads";
  const char* token_types = "type_vocab_size";
  const char* norm_epsilon = "layer_norm_eps";
  const char* activation = "hidden_act";
  const char* embedding_width = nullptr;  // there is none: the blocks' width
  const char* head_activation = nullptr;
  const char* pooling = nullptr;  // "cls" or "mean"
  EncoderConfig defaults;
  std::vector<formats::OnlyValue> only;
  // The same, and the key may not be absent: that means another value.
  std::vector<formats::OnlyValue> always;
  // Keys that, if they are there, say the blocks' width once more.
  std::vector<const char*> same_width;
};

const std::vector<EncoderFamily>& EncoderFamilies();
// nullptr if not in the table.
const EncoderFamily* FindEncoderFamily(std::string_view name);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_ENCODER_FAMILIES_H_
