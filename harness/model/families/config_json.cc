// DecoderConfig from and to config.json, by the rows of families.h.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/json_fields.h"
#include "harness/model/families/activation_names.h"
#include "harness/model/families/config.h"
#include "harness/model/families/encoder_families.h"
#include "harness/model/families/families.h"
#include "harness/model/families/refused.h"
#include "harness/model/families/rope_config.h"

namespace sft::model {
namespace {

constexpr char kUnrotatedList[] = "no_rope_layers";
constexpr char kUnrotatedInterval[] = "no_rope_layer_interval";

bool HasGate(const DecoderLayout& layout) {
  return layout.MapIndex(Role::kGate) >= 0 ||
         layout.MapIndex(Role::kGateUp) >= 0;
}

// Marks the layers from `first` on, but every `pattern`-th.
void MarkWindows(int64_t first, int64_t pattern, DecoderConfig& c) {
  c.windowed.assign(static_cast<size_t>(c.layers), false);
  bool any = false;
  for (int64_t i = first; i < c.layers; ++i) {
    c.windowed[i] = pattern == 0 || (i + 1) % pattern != 0;
    any = any || c.windowed[i];
  }
  if (!any) c.windowed.clear();
}

// Whether nothing has a window unless "use_sliding_window" says so.
bool AsksForWindows(WindowRule rule) {
  return rule == WindowRule::kUpper || rule == WindowRule::kUnrotated;
}

absl::Status ReadUnrotated(const DecoderFamily& family,
                           const formats::JsonFields& fields,
                           DecoderConfig& c) {
  int64_t interval = family.unrotated_interval;
  if (interval == 0) return absl::OkStatus();
  const auto layers = static_cast<size_t>(c.layers);
  c.unrotated.assign(layers, false);
  if (const nlohmann::json* list = fields.Find(kUnrotatedList)) {
    const bool fits = list->is_array() && list->size() >= layers;
    for (size_t i = 0; fits && i < layers; ++i) {
      if ((*list)[i] != 0 && (*list)[i] != 1) {
        return fields.Wrong(kUnrotatedList, "a list of 0 and 1");
      }
      c.unrotated[i] = (*list)[i] == 0;
    }
    if (!fits) return fields.Wrong(kUnrotatedList, "a list of one a layer");
  } else {
    if (fields.Find(kUnrotatedInterval) != nullptr) {
      SFT_RETURN_IF_ERROR(fields.Int(kUnrotatedInterval, interval));
      if (interval < 1) return fields.Wrong(kUnrotatedInterval, "above 0");
    }
    for (size_t i = 0; i < layers; ++i) {
      c.unrotated[i] = (static_cast<int64_t>(i) + 1) % interval == 0;
    }
  }
  const auto any = std::find(c.unrotated.begin(), c.unrotated.end(), true);
  if (any == c.unrotated.end()) c.unrotated.clear();
  return absl::OkStatus();
}

absl::Status ReadWindows(const DecoderFamily& family,
                         const formats::JsonFields& fields, DecoderConfig& c) {
  if (family.windows == WindowRule::kNone) return absl::OkStatus();
  bool uses = true;
  if (AsksForWindows(family.windows)) {
    uses = false;
    SFT_RETURN_IF_ERROR(fields.Bool("use_sliding_window", uses));
  }
  if (fields.Find("sliding_window") != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Int("sliding_window", c.window));
  } else if (fields.Has("sliding_window") || c.window == 0) {
    uses = false;
  }
  if (!uses) {
    c.window = 0;
    return absl::OkStatus();
  }
  const nlohmann::json* types = fields.Find("layer_types");
  if (types != nullptr && family.windows != WindowRule::kAll) {
    if (!types->is_array() || types->size() != static_cast<size_t>(c.layers)) {
      return fields.Wrong("layer_types", "a list of one a layer");
    }
    MarkWindows(0, 0, c);
    for (size_t i = 0; i < types->size(); ++i) {
      const nlohmann::json& type = (*types)[i];
      if (type != kFullAttention && type != kSlidingAttention) {
        return fields.Wrong("layer_types", "of full and sliding_attention");
      }
      c.windowed[i] = type == kSlidingAttention;
    }
    return absl::OkStatus();
  }
  if (family.windows == WindowRule::kUnrotated) {
    c.windowed = c.unrotated;
    return absl::OkStatus();
  }
  int64_t first = 0, pattern = family.window_pattern;
  if (family.windows == WindowRule::kUpper) {
    first = 28;
    if (fields.Find("max_window_layers") != nullptr) {
      SFT_RETURN_IF_ERROR(fields.Int("max_window_layers", first));
    }
  }
  if (pattern > 0 && fields.Find("sliding_window_pattern") != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Int("sliding_window_pattern", pattern));
    if (pattern < 1) {
      return fields.Wrong("sliding_window_pattern", "above 0");
    }
  }
  if (first < 0) return fields.Wrong("max_window_layers", "from 0 on");
  MarkWindows(first, pattern, c);
  return absl::OkStatus();
}

// A number that null turns off and that is `out` where the key is absent.
absl::Status ReadOptional(const formats::JsonFields& fields, const char* key,
                          double& out) {
  if (fields.Find(key) != nullptr) return fields.Real(key, out);
  if (fields.Has(key)) out = 0;
  return absl::OkStatus();
}

// Ids are hints for whoever loads an exported folder: odd ones are left out.
void ReadTokenIds(const formats::JsonFields& fields, DecoderConfig& c) {
  auto token = [&](const char* key, std::optional<int64_t>& out) {
    const nlohmann::json* value = fields.Find(key);
    if (value != nullptr && value->is_number_integer()) {
      out = value->get<int64_t>();
    }
  };
  token("bos_token_id", c.bos);
  token("pad_token_id", c.pad);
  if (const nlohmann::json* eos = fields.Find("eos_token_id")) {
    if (eos->is_number_integer()) c.eos.push_back(eos->get<int64_t>());
    for (const nlohmann::json& id : *eos) {
      if (eos->is_array() && id.is_number_integer()) {
        c.eos.push_back(id.get<int64_t>());
      }
    }
  }
}

// Where a gate multiplies, only the family's own, under any of its names.
absl::Status ReadDecoderActivation(const formats::JsonFields& fields,
                                   const DecoderFamily& family,
                                   DecoderConfig& c) {
  const char* key = family.keys.activation;
  const nlohmann::json* value = fields.Find(key);
  if (value == nullptr || *value == family.old_activation) {
    return absl::OkStatus();
  }
  const bool any = !HasGate(*c.layout);
  std::string names;
  for (const ActivationName& row : kActivationNames) {
    if (!any && row.activation != c.activation) continue;
    if (*value == row.name) {
      c.activation = row.activation;
      return absl::OkStatus();
    }
    absl::StrAppend(&names, names.empty() ? "" : ", ", row.name);
  }
  return fields.Wrong(key, absl::StrCat("supported, only ", names).c_str());
}

std::string NameOfActivation(const DecoderFamily& family,
                             Activation activation) {
  if (activation != family.defaults.activation) {
    for (const ActivationName& row : kActivationNames) {
      if (row.activation == activation) return row.name;
    }
  }
  return std::string(family.activation);
}

absl::Status ReadNumbers(const DecoderFamily& family,
                         const formats::JsonFields& fields, DecoderConfig& c) {
  for (const NumberKey& number : family.numbers) {
    if (fields.Find(number.key) == nullptr) continue;
    double& value = c.*number.field;
    SFT_RETURN_IF_ERROR(fields.Real(number.key, value));
    if (!(value > 0)) return fields.Wrong(number.key, "above 0");
  }
  return absl::OkStatus();
}

absl::StatusOr<const DecoderFamily*> FamilyOf(
    const std::string& where, const formats::JsonFields& fields) {
  std::string known;
  for (const DecoderFamily& row : DecoderFamilies()) {
    absl::StrAppend(&known, known.empty() ? "" : ", ",
                    std::string(row.architecture));
  }
  for (const EncoderFamily& row : EncoderFamilies()) {
    absl::StrAppend(&known, ", ", std::string(row.layout->architecture));
  }
  const nlohmann::json* architectures = fields.Find("architectures");
  const nlohmann::json* type = fields.Find("model_type");
  if (architectures == nullptr && type == nullptr) {
    return fields.Wrong("architectures", "a list");
  }
  for (const DecoderFamily& row : DecoderFamilies()) {
    const bool is =
        architectures != nullptr
            ? *architectures == nlohmann::json::array({row.architecture})
            : *type == row.name;
    if (is) return &row;
  }
  const std::string why = WhyRefused(fields.object());
  if (!why.empty()) return InputError(where, why);
  return InputError(
      where, absl::StrCat(architectures != nullptr ? "key \"architectures\": "
                                                   : "key \"model_type\": ",
                          (architectures != nullptr ? *architectures : *type)
                              .dump()
                              .substr(0, 60),
                          " is not supported, only ", known));
}

}  // namespace

absl::StatusOr<DecoderConfig> ConfigFromJson(const std::string& where,
                                             const std::string& text) {
  SFT_ASSIGN_OR_RETURN(nlohmann::json object,
                       formats::ParseJsonObject(where, text, 32));
  const formats::JsonFields fields(where, object);
  SFT_ASSIGN_OR_RETURN(const DecoderFamily* family, FamilyOf(where, fields));
  const ConfigKeys& keys = family->keys;
  SFT_RETURN_IF_ERROR(fields.Supported(family->only));
  DecoderConfig c = family->defaults;
  SFT_RETURN_IF_ERROR(ReadDecoderActivation(fields, *family, c));
  SFT_RETURN_IF_ERROR(fields.Int(keys.layers, c.layers));
  SFT_RETURN_IF_ERROR(fields.Int(keys.width, c.width));
  SFT_RETURN_IF_ERROR(fields.Int(keys.heads, c.heads));
  if (family->ffn_may_be_null && fields.Find(keys.ffn_width) == nullptr) {
    if (c.width < (1 << 20)) c.ffn_width = 4 * c.width;
  } else {
    SFT_RETURN_IF_ERROR(fields.Int(keys.ffn_width, c.ffn_width));
  }
  SFT_RETURN_IF_ERROR(fields.Int("vocab_size", c.vocabulary));
  SFT_RETURN_IF_ERROR(fields.Int(keys.max_positions, c.max_positions));
  if (keys.norm_epsilon != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Real(keys.norm_epsilon, c.norm_epsilon));
  }
  if (keys.embedding_width != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Only(keys.embedding_width, c.width));
  }
  c.kv_heads = c.heads;
  if (keys.kv_heads != nullptr && fields.Find(keys.kv_heads) != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Int(keys.kv_heads, c.kv_heads));
  }
  if (keys.head_width != nullptr && fields.Find(keys.head_width) != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Int(keys.head_width, c.head_width));
  } else if (c.head_width == 0 && c.heads > 0 && c.width % c.heads == 0) {
    c.head_width = c.width / c.heads;
  }
  SFT_RETURN_IF_ERROR(fields.Bool("tie_word_embeddings", c.tied_head));
  if (keys.attention_bias != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Bool(keys.attention_bias, c.attention_bias));
  }
  if (keys.mlp_bias != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Bool(keys.mlp_bias, c.mlp_bias));
  }
  if (keys.parallel != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Bool(keys.parallel, c.parallel));
  }
  SFT_RETURN_IF_ERROR(ReadNumbers(*family, fields, c));
  if (family->has_query_scalar) {
    SFT_RETURN_IF_ERROR(
        ReadOptional(fields, "query_pre_attn_scalar", c.query_scalar));
    SFT_RETURN_IF_ERROR(
        ReadOptional(fields, "attn_logit_softcapping", c.attention_softcap));
    SFT_RETURN_IF_ERROR(
        ReadOptional(fields, "final_logit_softcapping", c.final_softcap));
  }
  if (c.layout->positions.empty()) {
    SFT_RETURN_IF_ERROR(ReadRope(where, fields, *family, c));
  }
  ReadTokenIds(fields, c);
  SFT_RETURN_IF_ERROR(CheckConfig(where, c));
  // Only now is the number of layers known to be sane.
  SFT_RETURN_IF_ERROR(ReadUnrotated(*family, fields, c));
  SFT_RETURN_IF_ERROR(ReadWindows(*family, fields, c));
  SFT_RETURN_IF_ERROR(CheckConfig(where, c));
  if (family->scales_embedding) {
    c.embedding_scale = std::sqrt(static_cast<double>(c.width));
  }
  return c;
}

std::string ConfigToJson(const DecoderConfig& c, const std::string& dtype) {
  const DecoderFamily* family = FindFamily(c.family);
  if (family == nullptr) family = &DecoderFamilies()[0];
  const ConfigKeys& keys = family->keys;
  nlohmann::ordered_json out;
  auto number = [](double value) {
    return value > 0 ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  };
  out["architectures"] = {std::string(family->architecture)};
  out["model_type"] = std::string(family->name);
  out["vocab_size"] = c.vocabulary;
  out[keys.width] = c.width;
  out[keys.ffn_width] = c.ffn_width;
  out[keys.layers] = c.layers;
  out[keys.heads] = c.heads;
  if (keys.kv_heads != nullptr) out[keys.kv_heads] = c.kv_heads;
  if (keys.head_width != nullptr) out[keys.head_width] = c.head_width;
  out[keys.activation] = NameOfActivation(*family, c.activation);
  out[keys.max_positions] = c.max_positions;
  if (keys.norm_epsilon != nullptr) out[keys.norm_epsilon] = c.norm_epsilon;
  if (keys.embedding_width != nullptr) out[keys.embedding_width] = c.width;
  if (keys.parallel != nullptr) out[keys.parallel] = c.parallel;
  if (c.layout->positions.empty()) WriteRope(*family, c, out);
  if (family->unrotated_interval > 0) {
    out[kUnrotatedList] = nlohmann::ordered_json::array();
    for (int64_t i = 0; i < c.layers; ++i) {
      out[kUnrotatedList].push_back(c.Rotates(i) ? 1 : 0);
    }
  }
  for (const NumberKey& row : family->numbers) out[row.key] = c.*row.field;
  if (keys.attention_bias != nullptr) {
    out[keys.attention_bias] = c.attention_bias;
  }
  if (keys.mlp_bias != nullptr) out[keys.mlp_bias] = c.mlp_bias;
  if (family->has_query_scalar) {
    // transformers reads the scalar as an integer.
    out["query_pre_attn_scalar"] = static_cast<int64_t>(
        c.query_scalar > 0 ? c.query_scalar : c.head_width);
    out["attn_logit_softcapping"] = number(c.attention_softcap);
    out["final_logit_softcapping"] = number(c.final_softcap);
  }
  const bool windows = !c.windowed.empty();
  if (family->windows != WindowRule::kNone) {
    out["sliding_window"] =
        windows ? nlohmann::ordered_json(c.window) : nlohmann::ordered_json();
  }
  if (AsksForWindows(family->windows)) out["use_sliding_window"] = windows;
  if (family->windows == WindowRule::kUpper) {
    const auto first = std::find(c.windowed.begin(), c.windowed.end(), true);
    out["max_window_layers"] = windows ? first - c.windowed.begin() : c.layers;
  }
  if (windows && family->windows != WindowRule::kAll) {
    out["layer_types"] = nlohmann::ordered_json::array();
    for (bool is : c.windowed)
      out["layer_types"].push_back(is ? kSlidingAttention : kFullAttention);
  }
  for (const formats::OnlyValue& only : family->only) {
    if (std::string_view(only.key) != "partial_rotary_factor") {
      out[only.key] = nlohmann::ordered_json::parse(only.value);
    }
  }
  out["tie_word_embeddings"] = c.tied_head;
  if (c.bos) out["bos_token_id"] = *c.bos;
  if (c.eos.size() == 1) out["eos_token_id"] = c.eos[0];
  if (c.eos.size() > 1) out["eos_token_id"] = c.eos;
  if (c.pad) out["pad_token_id"] = *c.pad;
  out["torch_dtype"] = dtype;
  out["dtype"] = dtype;
  return out.dump(2) + "\n";
}

}  // namespace sft::model
