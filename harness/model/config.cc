#include "harness/model/config.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/core/status.h"
#include "harness/model/json_text.h"

namespace sft {
namespace {

// Large enough for any model, small enough that no product overflows.
constexpr int64_t kMaxSize = 1 << 24;
constexpr int64_t kMaxLayers = 4096;

absl::Status CheckConfig(const std::string& where, const DecoderConfig& c) {
  struct Bound {
    const char* name;
    int64_t value;
    int64_t max;
  };
  for (const Bound& bound : std::initializer_list<Bound>{
           {"number of layers", c.layers, kMaxLayers},
           {"width", c.width, 1 << 20},
           {"number of heads", c.heads, 1 << 16},
           {"number of key and value heads", c.kv_heads, 1 << 16},
           {"head width", c.head_width, 1 << 16},
           {"ffn width", c.ffn_width, kMaxSize},
           {"vocabulary", c.vocabulary, kMaxSize},
           {"number of positions", c.max_positions, int64_t{1} << 40}}) {
    if (bound.value < 1 || bound.value > bound.max) {
      return InputError(where, absl::StrCat(bound.name, " ", bound.value,
                                            " is not from 1 to ", bound.max));
    }
  }
  if (c.heads % c.kv_heads != 0) {
    return InputError(where, absl::StrCat(c.heads, " heads are no multiple of ",
                                          c.kv_heads, " key and value heads"));
  }
  if (c.head_width % 2 != 0) {
    return InputError(where, absl::StrCat("head width ", c.head_width,
                                          " is odd: it cannot be rotated"));
  }
  if (!(c.norm_epsilon > 0 && c.norm_epsilon < 1)) {
    return InputError(where, absl::StrCat("norm epsilon ", c.norm_epsilon,
                                          " is not between 0 and 1"));
  }
  if (!(c.rope_theta >= 1 && std::isfinite(c.rope_theta))) {
    return InputError(where,
                      absl::StrCat("rope theta ", c.rope_theta, " is below 1"));
  }
  return absl::OkStatus();
}

// Typed look-ups in a JSON object; a null counts as absent.
class JsonFields {
 public:
  JsonFields(std::string where, const nlohmann::json& object)
      : where_(std::move(where)), object_(object) {}

  const nlohmann::json* Find(const char* key) const {
    auto it = object_.find(key);
    return it == object_.end() || it->is_null() ? nullptr : &*it;
  }
  absl::Status Wrong(const char* key, const char* wanted) const {
    const nlohmann::json* value = Find(key);
    if (value == nullptr) {
      return InputError(where_, absl::StrCat("key \"", key, "\" is missing"));
    }
    // Invalid UTF-8 cannot be: the parser refuses it.
    return InputError(
        where_, absl::StrCat("key \"", key, "\": ", value->dump().substr(0, 60),
                             " is not ", wanted));
  }
  absl::Status Int(const char* key, int64_t& out) const {
    const nlohmann::json* value = Find(key);
    if (value == nullptr || !value->is_number_integer() ||
        (value->is_number_unsigned() &&
         value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))) {
      return Wrong(key, "an integer");
    }
    out = value->get<int64_t>();
    return absl::OkStatus();
  }
  absl::Status Real(const char* key, double& out) const {
    const nlohmann::json* value = Find(key);
    if (value == nullptr || !value->is_number()) return Wrong(key, "a number");
    out = value->get<double>();
    return absl::OkStatus();
  }
  absl::Status Bool(const char* key, bool& out) const {
    const nlohmann::json* value = Find(key);
    if (value == nullptr) return absl::OkStatus();
    if (!value->is_boolean()) return Wrong(key, "true or false");
    out = value->get<bool>();
    return absl::OkStatus();
  }
  // A key that may only have one value here.
  absl::Status Only(const char* key, const nlohmann::json& wanted) const {
    const nlohmann::json* value = Find(key);
    if (value == nullptr || *value == wanted) return absl::OkStatus();
    return Wrong(key, absl::StrCat("supported, only ", wanted.dump()).c_str());
  }

 private:
  std::string where_;
  const nlohmann::json& object_;
};

// "rope_parameters" (transformers 5) or "rope_scaling" (4): only the default.
absl::Status ReadRope(const std::string& where, const JsonFields& fields,
                      double& theta) {
  if (fields.Find("rope_theta") != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Real("rope_theta", theta));
  }
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    const nlohmann::json* rope = fields.Find(key);
    if (rope == nullptr) continue;
    if (!rope->is_object()) return fields.Wrong(key, "an object");
    const JsonFields inner(absl::StrCat(where, ": ", key), *rope);
    SFT_RETURN_IF_ERROR(inner.Only("rope_type", "default"));
    SFT_RETURN_IF_ERROR(inner.Only("type", "default"));
    SFT_RETURN_IF_ERROR(inner.Only("partial_rotary_factor", 1.0));
    if (inner.Find("rope_theta") != nullptr) {
      SFT_RETURN_IF_ERROR(inner.Real("rope_theta", theta));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DecoderConfig> ConfigFromJson(const std::string& where,
                                             const std::string& text) {
  SFT_ASSIGN_OR_RETURN(nlohmann::json object, ParseJsonObject(where, text, 32));
  const JsonFields fields(where, object);
  const nlohmann::json* architectures = fields.Find("architectures");
  if (architectures != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Only("architectures", {"LlamaForCausalLM"}));
  } else {
    if (fields.Find("model_type") == nullptr) {
      return fields.Wrong("architectures", "a list");
    }
    SFT_RETURN_IF_ERROR(fields.Only("model_type", "llama"));
  }
  SFT_RETURN_IF_ERROR(fields.Only("hidden_act", "silu"));
  SFT_RETURN_IF_ERROR(fields.Only("attention_dropout", 0.0));
  SFT_RETURN_IF_ERROR(fields.Only("partial_rotary_factor", 1.0));
  // Weights packed by another tool: what they hold is not what is stored.
  if (fields.Find("quantization_config") != nullptr) {
    return InputError(where,
                      "quantized weights (quantization_config) are not "
                      "supported");
  }
  DecoderConfig c;
  SFT_RETURN_IF_ERROR(fields.Int("num_hidden_layers", c.layers));
  SFT_RETURN_IF_ERROR(fields.Int("hidden_size", c.width));
  SFT_RETURN_IF_ERROR(fields.Int("intermediate_size", c.ffn_width));
  SFT_RETURN_IF_ERROR(fields.Int("num_attention_heads", c.heads));
  SFT_RETURN_IF_ERROR(fields.Int("vocab_size", c.vocabulary));
  SFT_RETURN_IF_ERROR(fields.Int("max_position_embeddings", c.max_positions));
  SFT_RETURN_IF_ERROR(fields.Real("rms_norm_eps", c.norm_epsilon));
  c.kv_heads = c.heads;
  if (fields.Find("num_key_value_heads") != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Int("num_key_value_heads", c.kv_heads));
  }
  if (fields.Find("head_dim") != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Int("head_dim", c.head_width));
  } else if (c.heads > 0 && c.width % c.heads == 0) {
    c.head_width = c.width / c.heads;
  }
  SFT_RETURN_IF_ERROR(fields.Bool("tie_word_embeddings", c.tied_head));
  SFT_RETURN_IF_ERROR(fields.Bool("attention_bias", c.attention_bias));
  SFT_RETURN_IF_ERROR(fields.Bool("mlp_bias", c.mlp_bias));
  SFT_RETURN_IF_ERROR(ReadRope(where, fields, c.rope_theta));
  // Ids are hints for whoever loads an exported folder: odd ones are left out.
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
  SFT_RETURN_IF_ERROR(CheckConfig(where, c));
  return c;
}

absl::StatusOr<DecoderConfig> ConfigFromGguf(const GgufFile& file) {
  SFT_ASSIGN_OR_RETURN(std::string architecture,
                       file.Get<std::string>("general.architecture"));
  if (architecture != "llama") {
    return InputError(file.path(), absl::StrCat("architecture \"", architecture,
                                                "\" is not supported, only "
                                                "\"llama\""));
  }
  DecoderConfig c;
  struct Key {
    const char* name;
    int64_t* value;
  };
  for (const Key& key :
       std::initializer_list<Key>{{"llama.block_count", &c.layers},
                                  {"llama.embedding_length", &c.width},
                                  {"llama.feed_forward_length", &c.ffn_width},
                                  {"llama.attention.head_count", &c.heads},
                                  {"llama.context_length", &c.max_positions}}) {
    SFT_ASSIGN_OR_RETURN(*key.value, file.Get<int64_t>(key.name));
  }
  c.kv_heads = c.heads;
  if (file.Has("llama.attention.head_count_kv")) {
    SFT_ASSIGN_OR_RETURN(c.kv_heads,
                         file.Get<int64_t>("llama.attention.head_count_kv"));
  }
  if (c.heads > 0 && c.width % c.heads == 0) c.head_width = c.width / c.heads;
  if (file.Has("llama.attention.key_length")) {
    SFT_ASSIGN_OR_RETURN(c.head_width,
                         file.Get<int64_t>("llama.attention.key_length"));
  }
  for (const char* key :
       {"llama.rope.dimension_count", "llama.attention.value_length"}) {
    if (!file.Has(key)) continue;
    SFT_ASSIGN_OR_RETURN(int64_t value, file.Get<int64_t>(key));
    if (value != c.head_width) {
      return InputError(file.path(),
                        absl::StrCat("key ", key, ": ", value,
                                     " is not the head width ", c.head_width));
    }
  }
  SFT_ASSIGN_OR_RETURN(
      c.norm_epsilon,
      file.Get<double>("llama.attention.layer_norm_rms_epsilon"));
  if (file.Has("llama.rope.freq_base")) {
    SFT_ASSIGN_OR_RETURN(c.rope_theta,
                         file.Get<double>("llama.rope.freq_base"));
  }
  if (file.Has("llama.rope.scaling.type")) {
    SFT_ASSIGN_OR_RETURN(std::string scaling,
                         file.Get<std::string>("llama.rope.scaling.type"));
    if (scaling != "none") {
      return InputError(file.path(), absl::StrCat("rope scaling \"", scaling,
                                                  "\" is not supported"));
    }
  }
  if (file.Has("llama.expert_count")) {
    SFT_ASSIGN_OR_RETURN(int64_t experts,
                         file.Get<int64_t>("llama.expert_count"));
    if (experts > 0) {
      return InputError(file.path(), "mixtures of experts are not supported");
    }
  }
  c.tied_head = true;
  for (const GgufTensor& tensor : file.tensors()) {
    if (tensor.name == "token_embd.weight" && tensor.shape.size() == 2) {
      c.vocabulary = tensor.shape[0];
    }
    if (tensor.name == "output.weight") c.tied_head = false;
    if (tensor.name == "blk.0.attn_q.bias") c.attention_bias = true;
    if (tensor.name == "blk.0.ffn_gate.bias") c.mlp_bias = true;
  }
  if (c.vocabulary == 0) {
    return InputError(file.path(), "tensor token_embd.weight is missing");
  }
  auto token = [&](const char* key) -> std::optional<int64_t> {
    if (auto id = file.Get<int64_t>(key); id.ok()) return *id;
    return std::nullopt;
  };
  c.bos = token("tokenizer.ggml.bos_token_id");
  c.pad = token("tokenizer.ggml.padding_token_id");
  if (auto eos = token("tokenizer.ggml.eos_token_id")) c.eos.push_back(*eos);
  SFT_RETURN_IF_ERROR(CheckConfig(file.path(), c));
  return c;
}

std::string ConfigToJson(const DecoderConfig& c, const std::string& dtype) {
  nlohmann::ordered_json out;
  out["architectures"] = {"LlamaForCausalLM"};
  out["model_type"] = "llama";
  out["vocab_size"] = c.vocabulary;
  out["hidden_size"] = c.width;
  out["intermediate_size"] = c.ffn_width;
  out["num_hidden_layers"] = c.layers;
  out["num_attention_heads"] = c.heads;
  out["num_key_value_heads"] = c.kv_heads;
  out["head_dim"] = c.head_width;
  out["hidden_act"] = "silu";
  out["max_position_embeddings"] = c.max_positions;
  out["rms_norm_eps"] = c.norm_epsilon;
  // Both ways of writing it: transformers 4 reads the first, 5 the second.
  out["rope_theta"] = c.rope_theta;
  out["rope_parameters"] = {{"rope_type", "default"},
                            {"rope_theta", c.rope_theta}};
  out["attention_bias"] = c.attention_bias;
  out["mlp_bias"] = c.mlp_bias;
  out["attention_dropout"] = 0.0;
  out["tie_word_embeddings"] = c.tied_head;
  if (c.bos) out["bos_token_id"] = *c.bos;
  if (c.eos.size() == 1) out["eos_token_id"] = c.eos[0];
  if (c.eos.size() > 1) out["eos_token_id"] = c.eos;
  if (c.pad) out["pad_token_id"] = *c.pad;
  out["torch_dtype"] = dtype;
  out["dtype"] = dtype;
  return out.dump(2) + "\n";
}

std::string HuggingFaceName(const std::string& gguf_name) {
  if (gguf_name == "token_embd.weight") return "model.embed_tokens.weight";
  if (gguf_name == "output_norm.weight") return "model.norm.weight";
  if (gguf_name == "output.weight") return "lm_head.weight";
  struct Part {
    std::string_view gguf;
    std::string_view name;
  };
  constexpr Part kParts[] = {
      {"attn_q", "self_attn.q_proj"},
      {"attn_k", "self_attn.k_proj"},
      {"attn_v", "self_attn.v_proj"},
      {"attn_output", "self_attn.o_proj"},
      {"ffn_gate", "mlp.gate_proj"},
      {"ffn_up", "mlp.up_proj"},
      {"ffn_down", "mlp.down_proj"},
      {"attn_norm", "input_layernorm"},
      {"ffn_norm", "post_attention_layernorm"},
  };
  // blk.<layer>.<part>.<weight|bias>
  const std::string_view whole = gguf_name;
  if (whole.substr(0, 4) != "blk.") return "";
  const size_t dot = whole.find('.', 4);
  const size_t last = whole.rfind('.');
  if (dot == std::string_view::npos || last <= dot) return "";
  const std::string_view part = whole.substr(dot + 1, last - dot - 1);
  for (const Part& row : kParts) {
    if (row.gguf != part) continue;
    return absl::StrCat("model.layers.", ToAbsl(whole.substr(4, dot - 4)), ".",
                        ToAbsl(row.name), ToAbsl(whole.substr(last)));
  }
  return "";
}

}  // namespace sft
