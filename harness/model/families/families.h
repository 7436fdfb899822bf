// The table of decoder families: all that is known of a family by name. A
// family that is made of parts that others have is a new row.
#ifndef HARNESS_MODEL_FAMILIES_FAMILIES_H_
#define HARNESS_MODEL_FAMILIES_FAMILIES_H_

#include <string>
#include <string_view>
#include <vector>

#include "harness/formats/json_fields.h"
#include "harness/model/families/config.h"

namespace sft::model {

// What the keys of config.json are called.
struct ConfigKeys {
  const char* layers = "num_hidden_layers";
  const char* width = "hidden_size";
  const char* ffn_width = "intermediate_size";
  const char* heads = "num_attention_heads";
  const char* kv_heads = "num_key_value_heads";  // nullptr: as many as heads
  const char* head_width = "head_dim";           // nullptr: width / heads
  const char* max_positions = "max_position_embeddings";
  const char* activation = "hidden_act";
  // From here on nullptr: as in `defaults`.
  const char* norm_epsilon = "rms_norm_eps";
  const char* attention_bias = nullptr;
  const char* mlp_bias = nullptr;
  const char* parallel = nullptr;
  const char* rope_theta = "rope_theta";
  const char* rotary_share = nullptr;     // and no other share is supported
  const char* embedding_width = nullptr;  // must be the width
};

// A number of config.json, above 0, that is not there in every family.
struct NumberKey {
  const char* key;
  double DecoderConfig::*field;
};

// Which layers have a window, where config.json has no list of them.
enum class WindowRule {
  kNone,       // and no list is looked for
  kAll,        // where "sliding_window" is set
  kUpper,      // from "max_window_layers" on, where "use_sliding_window"
  kUnrotated,  // those that do not rotate, where "use_sliding_window"
  kPattern     // all but every `pattern`-th
};

struct DecoderFamily {
  std::string_view name;          // "model_type"
  std::string_view architecture;  // of "architectures"
  // The value of the activation's key; a block without a gate may have others.
  std::string_view activation;
  std::string_view old_activation;  // what old checkpoints call it
  ConfigKeys keys;
  // Whatever config.json need not say.
  DecoderConfig defaults;
  WindowRule windows = WindowRule::kNone;
  int64_t window_pattern = 0;
  bool scales_embedding = false;  // by the root of the width
  bool has_query_scalar = false;  // "query_pre_attn_scalar" and the soft caps
  bool ffn_may_be_null = false;   // then 4 times the width
  // Every so many layers one does not rotate, where "no_rope_layers" does not
  // list them; 0: all rotate, and no list is looked for.
  int64_t unrotated_interval = 0;
  // Of "original_max_position_embeddings", where config.json lacks it.
  double original_positions = 0;
  std::vector<NumberKey> numbers;
  std::vector<formats::OnlyValue> only;
};

const std::vector<DecoderFamily>& DecoderFamilies();
// nullptr if not in the table.
const DecoderFamily* FindFamily(std::string_view name);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_FAMILIES_H_
