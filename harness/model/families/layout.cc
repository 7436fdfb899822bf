#include "harness/model/families/layout.h"

#include "absl/strings/str_cat.h"
#include "harness/core/status.h"

namespace sft::model {
namespace {

DecoderLayout MakeLlama() {
  DecoderLayout out;
  out.root = "model.";
  out.embedding = "model.embed_tokens";
  out.layers = "model.layers.";
  out.final_norm = "model.norm";
  out.maps = {
      {"self_attn.q_proj", Role::kQuery}, {"self_attn.k_proj", Role::kKey},
      {"self_attn.v_proj", Role::kValue}, {"self_attn.o_proj", Role::kOutput},
      {"mlp.gate_proj", Role::kGate},     {"mlp.up_proj", Role::kUp},
      {"mlp.down_proj", Role::kDown},
  };
  out.norms = {
      {"input_layernorm", NormPlace::kBeforeAttention},
      {"post_attention_layernorm", NormPlace::kBeforeFeedForward},
  };
  out.surplus = {".rotary_emb.inv_freq"};
  return out;
}

DecoderLayout MakeSandwich() {
  DecoderLayout out = MakeLlama();
  out.norms = {
      {"input_layernorm", NormPlace::kBeforeAttention},
      {"post_attention_layernorm", NormPlace::kAfterAttention},
      {"pre_feedforward_layernorm", NormPlace::kBeforeFeedForward},
      {"post_feedforward_layernorm", NormPlace::kAfterFeedForward},
  };
  return out;
}

DecoderLayout MakeFused() {
  DecoderLayout out;
  out.root = "transformer.";
  out.embedding = "transformer.wte";
  out.positions = "transformer.wpe";
  out.layers = "transformer.h.";
  out.final_norm = "transformer.ln_f";
  out.maps = {
      {"attn.c_attn", Role::kQkv},
      {"attn.c_proj", Role::kOutput},
      {"mlp.c_fc", Role::kUp},
      {"mlp.c_proj", Role::kDown},
  };
  out.norms = {
      {"ln_1", NormPlace::kBeforeAttention},
      {"ln_2", NormPlace::kBeforeFeedForward},
  };
  out.transposed_maps = true;
  out.masks_pad = false;
  out.surplus = {".attn.bias", ".attn.masked_bias"};
  return out;
}

DecoderLayout MakeAfterNorm() {
  DecoderLayout out = MakeLlama();
  out.norms = {
      {"post_attention_layernorm", NormPlace::kAfterAttention},
      {"post_feedforward_layernorm", NormPlace::kAfterFeedForward},
      {"self_attn.q_norm", NormPlace::kQuery},
      {"self_attn.k_norm", NormPlace::kKey},
  };
  out.normed_together = true;
  return out;
}

DecoderLayout MakeFusedPairs() {
  DecoderLayout out = MakeLlama();
  out.maps = {
      {"self_attn.qkv_proj", Role::kQkv},
      {"self_attn.o_proj", Role::kOutput},
      {"mlp.gate_up_proj", Role::kGateUp},
      {"mlp.down_proj", Role::kDown},
  };
  return out;
}

DecoderLayout MakeFusedHeads() {
  DecoderLayout out;
  out.root = "gpt_neox.";
  out.embedding = "gpt_neox.embed_in";
  out.layers = "gpt_neox.layers.";
  out.final_norm = "gpt_neox.final_layer_norm";
  out.head = "embed_out";
  out.head_alias = "lm_head";
  out.maps = {
      {"attention.query_key_value", Role::kQkv},
      {"attention.dense", Role::kOutput},
      {"mlp.dense_h_to_4h", Role::kUp},
      {"mlp.dense_4h_to_h", Role::kDown},
  };
  out.norms = {
      {"input_layernorm", NormPlace::kBeforeAttention},
      {"post_attention_layernorm", NormPlace::kBeforeFeedForward},
  };
  out.qkv_by_head = true;
  out.masks_pad = false;
  out.surplus = {".attention.bias", ".attention.masked_bias",
                 ".attention.rotary_emb.inv_freq"};
  return out;
}

DecoderLayout MakeLearned() {
  DecoderLayout out;
  out.root = "model.";
  out.embedding = "model.decoder.embed_tokens";
  out.positions = "model.decoder.embed_positions";
  out.layers = "model.decoder.layers.";
  out.final_norm = "model.decoder.final_layer_norm";
  out.maps = {
      {"self_attn.q_proj", Role::kQuery},
      {"self_attn.k_proj", Role::kKey},
      {"self_attn.v_proj", Role::kValue},
      {"self_attn.out_proj", Role::kOutput},
      {"fc1", Role::kUp},
      {"fc2", Role::kDown},
  };
  out.norms = {
      {"self_attn_layer_norm", NormPlace::kBeforeAttention},
      {"final_layer_norm", NormPlace::kBeforeFeedForward},
  };
  return out;
}

DecoderLayout WithHeadNorms(DecoderLayout out) {
  out.norms.push_back({"self_attn.q_norm", NormPlace::kQuery});
  out.norms.push_back({"self_attn.k_norm", NormPlace::kKey});
  return out;
}

}  // namespace

std::string WeightName(std::string_view part) {
  return absl::StrCat(ToAbsl(part), ".weight");
}
std::string BiasName(std::string_view part) {
  return absl::StrCat(ToAbsl(part), ".bias");
}

at::Tensor FindTensor(const LinearMap& map, std::string_view suffix) {
  for (const NamedTensor& named : map.Tensors()) {
    if (named.name == suffix) return named.tensor;
  }
  return at::Tensor();
}

int64_t DecoderLayout::MapIndex(Role role) const {
  for (size_t i = 0; i < maps.size(); ++i) {
    if (maps[i].role == role) return static_cast<int64_t>(i);
  }
  return -1;
}

int64_t DecoderLayout::NormIndex(NormPlace place) const {
  for (size_t i = 0; i < norms.size(); ++i) {
    if (norms[i].place == place) return static_cast<int64_t>(i);
  }
  return -1;
}

std::string DecoderLayout::LayerName(int64_t layer,
                                     std::string_view part) const {
  return absl::StrCat(ToAbsl(layers), layer, ".", ToAbsl(part));
}

const DecoderLayout& LlamaLayout() {
  static const auto& layout = *new DecoderLayout(MakeLlama());
  return layout;
}

const DecoderLayout& HeadNormLayout() {
  static const auto& layout = *new DecoderLayout(WithHeadNorms(MakeLlama()));
  return layout;
}

const DecoderLayout& SandwichLayout() {
  static const auto& layout = *new DecoderLayout(MakeSandwich());
  return layout;
}

const DecoderLayout& SandwichHeadNormLayout() {
  static const auto& layout = *new DecoderLayout(WithHeadNorms(MakeSandwich()));
  return layout;
}

const DecoderLayout& AfterNormLayout() {
  static const auto& layout = *new DecoderLayout(MakeAfterNorm());
  return layout;
}

const DecoderLayout& FusedPairsLayout() {
  static const auto& layout = *new DecoderLayout(MakeFusedPairs());
  return layout;
}

const DecoderLayout& FusedLayout() {
  static const auto& layout = *new DecoderLayout(MakeFused());
  return layout;
}

const DecoderLayout& FusedHeadsLayout() {
  static const auto& layout = *new DecoderLayout(MakeFusedHeads());
  return layout;
}

const DecoderLayout& LearnedLayout() {
  static const auto& layout = *new DecoderLayout(MakeLearned());
  return layout;
}

}  // namespace sft::model
