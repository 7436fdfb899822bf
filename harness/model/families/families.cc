#include "harness/model/families/families.h"

namespace sft::model {
namespace {

DecoderFamily Llama() {
  DecoderFamily out;
  out.name = "llama";
  out.architecture = "LlamaForCausalLM";
  out.activation = "silu";
  out.keys.attention_bias = "attention_bias";
  out.keys.mlp_bias = "mlp_bias";
  out.only = {{"partial_rotary_factor", "1.0"}};
  return out;
}

DecoderFamily Mistral() {
  DecoderFamily out = Llama();
  out.name = "mistral";
  out.architecture = "MistralForCausalLM";
  out.keys.attention_bias = out.keys.mlp_bias = nullptr;
  out.windows = WindowRule::kAll;
  out.defaults.window = 4096;
  return out;
}

DecoderFamily Qwen2() {
  DecoderFamily out = Llama();
  out.name = "qwen2";
  out.architecture = "Qwen2ForCausalLM";
  out.keys.attention_bias = out.keys.mlp_bias = nullptr;
  out.keys.head_width = nullptr;
  out.defaults.attention_bias = true;
  out.defaults.output_bias = false;
  out.windows = WindowRule::kUpper;
  out.defaults.window = 4096;
  return out;
}

DecoderFamily Qwen3() {
  DecoderFamily out = Qwen2();
  out.name = "qwen3";
  out.architecture = "Qwen3ForCausalLM";
  out.keys.attention_bias = "attention_bias";
  out.keys.head_width = "head_dim";
  out.defaults.layout = &HeadNormLayout();
  out.defaults.attention_bias = false;
  out.defaults.output_bias = true;
  out.defaults.head_width = 128;
  return out;
}

DecoderFamily SmolLm3() {
  DecoderFamily out = Llama();
  out.name = "smollm3";
  out.architecture = "SmolLM3ForCausalLM";
  out.defaults.rope_theta = 2e6;
  out.defaults.tied_head = true;
  out.unrotated_interval = 4;
  out.windows = WindowRule::kUnrotated;
  return out;
}

DecoderFamily Granite() {
  DecoderFamily out = Llama();
  out.name = "granite";
  out.architecture = "GraniteForCausalLM";
  out.defaults.attention_scale = 1;
  out.numbers = {{"embedding_multiplier", &DecoderConfig::embedding_scale},
                 {"attention_multiplier", &DecoderConfig::attention_scale},
                 {"residual_multiplier", &DecoderConfig::residual_scale},
                 {"logits_scaling", &DecoderConfig::logit_divisor}};
  return out;
}

DecoderFamily Olmo2() {
  DecoderFamily out = Llama();
  out.name = "olmo2";
  out.architecture = "Olmo2ForCausalLM";
  out.keys.mlp_bias = nullptr;
  out.defaults.layout = &AfterNormLayout();
  return out;
}

DecoderFamily Phi3() {
  DecoderFamily out = Llama();
  out.name = "phi3";
  out.architecture = "Phi3ForCausalLM";
  out.keys.attention_bias = out.keys.mlp_bias = nullptr;
  out.keys.rotary_share = "partial_rotary_factor";
  out.only = {};
  out.defaults.layout = &FusedPairsLayout();
  out.windows = WindowRule::kAll;
  out.original_positions = 4096;
  return out;
}

DecoderFamily Gemma() {
  DecoderFamily out = Llama();
  out.name = "gemma";
  out.architecture = "GemmaForCausalLM";
  out.activation = "gelu_pytorch_tanh";
  out.old_activation = "gelu";
  out.keys.mlp_bias = nullptr;
  out.only.push_back({"use_bidirectional_attention", "false"});
  out.only.push_back({"hidden_activation", "\"gelu_pytorch_tanh\""});
  out.defaults.norm = NormKind::kRmsPlusOne;
  out.defaults.activation = Activation::kGeluTanh;
  out.defaults.head_width = 256;
  out.defaults.tied_head = true;
  out.scales_embedding = true;
  return out;
}

DecoderFamily Gemma2() {
  DecoderFamily out;
  out.name = "gemma2";
  out.architecture = "Gemma2ForCausalLM";
  out.activation = "gelu_pytorch_tanh";
  out.keys.activation = "hidden_activation";
  out.keys.attention_bias = "attention_bias";
  out.only = {{"use_bidirectional_attention", "false"}};
  out.defaults.layout = &SandwichLayout();
  out.defaults.norm = NormKind::kRmsPlusOne;
  out.defaults.activation = Activation::kGeluTanh;
  out.defaults.head_width = 256;
  out.defaults.query_scalar = 256;
  out.defaults.attention_softcap = 50;
  out.defaults.final_softcap = 30;
  out.defaults.window = 4096;
  out.defaults.tied_head = true;
  out.windows = WindowRule::kPattern;
  out.window_pattern = 2;
  out.scales_embedding = true;
  out.has_query_scalar = true;
  return out;
}

DecoderFamily Gemma3() {
  DecoderFamily out = Gemma2();
  out.name = "gemma3_text";
  out.architecture = "Gemma3ForCausalLM";
  out.defaults.layout = &SandwichHeadNormLayout();
  out.defaults.attention_softcap = out.defaults.final_softcap = 0;
  out.defaults.rope_theta = 1e6;
  out.defaults.local_rope_theta = 1e4;
  out.window_pattern = 6;
  return out;
}

DecoderFamily Gpt2() {
  DecoderFamily out;
  out.name = "gpt2";
  out.architecture = "GPT2LMHeadModel";
  out.activation = "gelu_new";
  out.keys.layers = "n_layer";
  out.keys.width = "n_embd";
  out.keys.ffn_width = "n_inner";
  out.keys.heads = "n_head";
  out.keys.kv_heads = nullptr;
  out.keys.head_width = nullptr;
  out.keys.max_positions = "n_positions";
  out.keys.norm_epsilon = "layer_norm_epsilon";
  out.keys.activation = "activation_function";
  out.only = {{"scale_attn_weights", "true"},
              {"scale_attn_by_inverse_layer_idx", "false"},
              {"add_cross_attention", "false"}};
  out.defaults.layout = &FusedLayout();
  out.defaults.norm = NormKind::kLayer;
  out.defaults.activation = Activation::kGeluTanh;
  out.defaults.norm_epsilon = 1e-5;
  out.defaults.attention_bias = out.defaults.mlp_bias = true;
  out.defaults.tied_head = true;
  out.ffn_may_be_null = true;
  return out;
}

DecoderFamily GptNeoX() {
  DecoderFamily out;
  out.name = "gpt_neox";
  out.architecture = "GPTNeoXForCausalLM";
  out.activation = "gelu";
  out.keys.kv_heads = nullptr;
  out.keys.head_width = nullptr;
  out.keys.norm_epsilon = "layer_norm_eps";
  out.keys.attention_bias = "attention_bias";
  out.keys.parallel = "use_parallel_residual";
  out.keys.rope_theta = "rotary_emb_base";
  out.keys.rotary_share = "rotary_pct";
  out.defaults.layout = &FusedHeadsLayout();
  out.defaults.norm = NormKind::kLayer;
  out.defaults.activation = Activation::kGelu;
  out.defaults.norm_epsilon = 1e-5;
  out.defaults.attention_bias = out.defaults.mlp_bias = true;
  out.defaults.parallel = true;
  out.defaults.rotary_share = 0.25;
  return out;
}

DecoderFamily Opt() {
  DecoderFamily out;
  out.name = "opt";
  out.architecture = "OPTForCausalLM";
  out.activation = "relu";
  out.keys.ffn_width = "ffn_dim";
  out.keys.kv_heads = nullptr;
  out.keys.head_width = nullptr;
  out.keys.norm_epsilon = nullptr;
  out.keys.activation = "activation_function";
  out.keys.attention_bias = out.keys.mlp_bias = "enable_bias";
  out.keys.embedding_width = "word_embed_proj_dim";
  out.only = {{"do_layer_norm_before", "true"},
              {"_remove_final_layer_norm", "false"},
              {"layer_norm_elementwise_affine", "true"}};
  out.defaults.layout = &LearnedLayout();
  out.defaults.norm = NormKind::kLayer;
  out.defaults.activation = Activation::kRelu;
  out.defaults.norm_epsilon = 1e-5;
  out.defaults.attention_bias = out.defaults.mlp_bias = true;
  out.defaults.position_offset = 2;
  out.defaults.tied_head = true;
  return out;
}

}  // namespace

const std::vector<DecoderFamily>& DecoderFamilies() {
  static const auto& rows = *new std::vector<DecoderFamily>([] {
    std::vector<DecoderFamily> out = {
        Llama(), Mistral(), Qwen2(),  Qwen3(),  SmolLm3(), Granite(), Olmo2(),
        Phi3(),  Gemma(),   Gemma2(), Gemma3(), Gpt2(),    GptNeoX(), Opt()};
    for (DecoderFamily& row : out) row.defaults.family = row.name;
    return out;
  }());
  return rows;
}

const DecoderFamily* FindFamily(std::string_view name) {
  for (const DecoderFamily& row : DecoderFamilies()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace sft::model
