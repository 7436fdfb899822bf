#include "harness/model/decoder.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/core/status.h"
#include "harness/model/attention.h"
#include "harness/model/checkpoint.h"

namespace sft {
namespace {

struct MapRow {
  std::string_view name;
  Role role;
};
// The linear maps of a block, in the order of LinearSlots.
constexpr MapRow kMaps[] = {
    {"self_attn.q_proj", Role::kQuery}, {"self_attn.k_proj", Role::kKey},
    {"self_attn.v_proj", Role::kValue}, {"self_attn.o_proj", Role::kOutput},
    {"mlp.gate_proj", Role::kGate},     {"mlp.up_proj", Role::kUp},
    {"mlp.down_proj", Role::kDown},
};
constexpr int64_t kMapsPerLayer = std::size(kMaps);
enum MapIndex { kQ, kK, kV, kO, kGateMap, kUpMap, kDownMap };

std::string LayerName(int64_t layer, std::string_view part) {
  return absl::StrCat("model.layers.", layer, ".", ToAbsl(part));
}

struct MapShape {
  int64_t out = 0;
  int64_t in = 0;
  bool bias = false;
};
MapShape ShapeOf(const DecoderConfig& c, Role role) {
  const int64_t attention = c.heads * c.head_width;
  const int64_t keys = c.kv_heads * c.head_width;
  switch (role) {
    case Role::kQuery:
      return {attention, c.width, c.attention_bias};
    case Role::kKey:
    case Role::kValue:
      return {keys, c.width, c.attention_bias};
    case Role::kOutput:
      return {c.width, attention, c.attention_bias};
    case Role::kGate:
    case Role::kUp:
      return {c.ffn_width, c.width, c.mlp_bias};
    default:
      return {c.width, c.ffn_width, c.mlp_bias};
  }
}

// The tensor of `map` named `suffix`, undefined if it has none.
at::Tensor FindTensor(const LinearMap& map, std::string_view suffix) {
  for (const NamedTensor& named : map.Tensors()) {
    if (named.name == suffix) return named.tensor;
  }
  return at::Tensor();
}

}  // namespace

std::vector<ParameterShape> DecoderParameters(const DecoderConfig& c) {
  std::vector<ParameterShape> out;
  out.push_back({"model.embed_tokens.weight", {c.vocabulary, c.width}});
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    for (const MapRow& map : kMaps) {
      const MapShape shape = ShapeOf(c, map.role);
      const std::string name = LayerName(layer, map.name);
      out.push_back({absl::StrCat(name, ".weight"), {shape.out, shape.in}});
      if (shape.bias) out.push_back({absl::StrCat(name, ".bias"), {shape.out}});
    }
    out.push_back({LayerName(layer, "input_layernorm.weight"), {c.width}});
    out.push_back(
        {LayerName(layer, "post_attention_layernorm.weight"), {c.width}});
  }
  out.push_back({"model.norm.weight", {c.width}});
  if (!c.tied_head) out.push_back({"lm_head.weight", {c.vocabulary, c.width}});
  return out;
}

Decoder::Decoder(DecoderConfig config, ModelInfo info, at::ScalarType compute,
                 std::map<std::string, at::Tensor> weights)
    : config_(std::move(config)), info_(std::move(info)), compute_(compute) {
  const DecoderConfig& c = config_;
  info_.family = c.family;
  info_.layers = c.layers;
  info_.width = c.width;
  info_.heads = c.heads;
  info_.kv_heads = c.kv_heads;
  info_.head_width = c.head_width;
  info_.ffn_width = c.ffn_width;
  info_.vocabulary = c.vocabulary;
  info_.max_positions = c.max_positions;
  info_.tied_head = c.tied_head;
  info_.parameters = 0;
  for (const ParameterShape& row : DecoderParameters(c)) {
    auto it = weights.find(row.name);
    TORCH_CHECK(it != weights.end(), "no tensor ", row.name);
    TORCH_CHECK(it->second.sizes() == row.shape, row.name, " has shape ",
                it->second.sizes());
    info_.parameters += it->second.numel();
  }
  auto take = [&](const std::string& name) {
    return std::move(weights.at(name));
  };
  embedding_VD_ = take("model.embed_tokens.weight");
  norm_D_ = take("model.norm.weight");
  if (!c.tied_head) head_VD_ = take("lm_head.weight");
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    for (const MapRow& map : kMaps) {
      const MapShape shape = ShapeOf(c, map.role);
      LinearSlot slot;
      slot.name = LayerName(layer, map.name);
      slot.layer = layer;
      slot.role = map.role;
      slot.in_features = shape.in;
      slot.out_features = shape.out;
      slot.map = std::make_unique<DenseLinear>(
          take(absl::StrCat(slot.name, ".weight")),
          shape.bias ? take(absl::StrCat(slot.name, ".bias")) : at::Tensor(),
          compute_);
      slots_.push_back(std::move(slot));
    }
    input_norms_D_.push_back(take(LayerName(layer, "input_layernorm.weight")));
    post_norms_D_.push_back(
        take(LayerName(layer, "post_attention_layernorm.weight")));
    attention_.push_back({layer, DefaultAttention});
  }
}

std::vector<Parameter> Decoder::Parameters() {
  std::vector<Parameter> out;
  out.push_back(
      {"model.embed_tokens.weight", -1, Role::kEmbedding, embedding_VD_});
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    for (int64_t m = 0; m < kMapsPerLayer; ++m) {
      LinearSlot& slot = slots_[layer * kMapsPerLayer + m];
      auto* dense = dynamic_cast<DenseLinear*>(slot.map.get());
      if (dense == nullptr) continue;
      out.push_back({absl::StrCat(slot.name, ".weight"), layer, slot.role,
                     dense->weight_OI()});
      if (dense->bias_O().defined()) {
        out.push_back({absl::StrCat(slot.name, ".bias"), layer, Role::kBias,
                       dense->bias_O()});
      }
    }
    out.push_back({LayerName(layer, "input_layernorm.weight"), layer,
                   Role::kNorm, input_norms_D_[layer]});
    out.push_back({LayerName(layer, "post_attention_layernorm.weight"), layer,
                   Role::kNorm, post_norms_D_[layer]});
  }
  out.push_back({"model.norm.weight", -1, Role::kNorm, norm_D_});
  if (head_VD_.defined()) {
    out.push_back({"lm_head.weight", -1, Role::kHead, head_VD_});
  }
  return out;
}

at::Tensor Decoder::Embed(const at::Tensor& ids_BT) const {
  // As in transformers, the pad token's row takes no gradient as an input.
  return at::embedding(embedding_VD_, ids_BT.to(device()),
                       config_.pad.value_or(-1));
}

at::Tensor Decoder::Block(int64_t layer, const at::Tensor& x_BTD,
                          const RotaryTable& rope, const PassState& pass,
                          const AttendFn& attend) {
  const int64_t B = x_BTD.size(0), T = x_BTD.size(1);
  auto map = [&](MapIndex index, const at::Tensor& x) {
    return slots_[layer * kMapsPerLayer + index].map->Forward(x, pass);
  };
  auto heads = [&](const at::Tensor& x, int64_t count) {
    return x.view({B, T, count, config_.head_width}).transpose(1, 2);
  };
  const at::Tensor h_BTD =
      RmsNorm(x_BTD, input_norms_D_[layer], config_.norm_epsilon).to(compute_);
  const at::Tensor q = Rotate(heads(map(kQ, h_BTD), config_.heads), rope);
  const at::Tensor k = Rotate(heads(map(kK, h_BTD), config_.kv_heads), rope);
  const at::Tensor v = heads(map(kV, h_BTD), config_.kv_heads);
  const at::Tensor seen_BTA =
      attend(q, k, v).transpose(1, 2).reshape({B, T, -1});
  const at::Tensor mid_BTD = x_BTD.add(map(kO, seen_BTA));

  const at::Tensor m_BTD =
      RmsNorm(mid_BTD, post_norms_D_[layer], config_.norm_epsilon).to(compute_);
  return mid_BTD.add(
      map(kDownMap, SwiGlu(map(kGateMap, m_BTD), map(kUpMap, m_BTD))));
}

bool Decoder::NeedsGradient(int64_t layer, const at::Tensor& x_BTD) const {
  if (!c10::GradMode::is_enabled()) return false;
  if (x_BTD.requires_grad() || input_norms_D_[layer].requires_grad() ||
      post_norms_D_[layer].requires_grad()) {
    return true;
  }
  for (int64_t m = 0; m < kMapsPerLayer; ++m) {
    for (const NamedTensor& named :
         slots_[layer * kMapsPerLayer + m].map->Tensors()) {
      if (named.tensor.requires_grad()) return true;
    }
  }
  return false;
}

at::Tensor Decoder::Backbone(const Batch& batch) {
  // By value: a checkpointed block runs again in backward, when the caller's
  // batch may be gone and the trainer may have named another dropout seed.
  struct Pass {
    Batch batch;
    RotaryTable rope;
    PassState state;
    double scale;
  };
  const auto pass = std::make_shared<const Pass>(Pass{
      batch,
      MakeRotaryTable(batch.position_ids_BT.to(device()), config_.head_width,
                      config_.rope_theta, master_dtype()),
      pass_state(), 1.0 / std::sqrt(config_.head_width)});
  at::Tensor x_BTD = Embed(batch.input_ids_BT);
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    BlockFn block = [this, layer, pass](const at::Tensor& x) {
      return Block(
          layer, x, pass->rope, pass->state,
          [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
            return attention_[layer].attend(q, k, v, pass->batch, pass->scale);
          });
    };
    x_BTD = checkpointing_ && NeedsGradient(layer, x_BTD)
                ? Checkpointed(x_BTD, std::move(block))
                : block(x_BTD);
  }
  return x_BTD;
}

at::Tensor Decoder::HiddenStates(const Batch& batch) {
  return RmsNorm(Backbone(batch), norm_D_, config_.norm_epsilon);
}

at::Tensor Decoder::Logits(const at::Tensor& h_MD) {
  const at::Tensor& head_VD = head_VD_.defined() ? head_VD_ : embedding_VD_;
  return LinearProduct(h_MD.to(compute_), head_VD.to(compute_), at::Tensor())
      .to(master_dtype());
}

LossOutput Decoder::SumLoss(const Batch& batch) {
  const at::Tensor labels_BT = batch.labels_BT.to(device());
  if (batch.cu_seqlens.defined()) {
    const at::Tensor first_P =
        batch.cu_seqlens.slice(0, 0, -1).to(labels_BT.options());
    TORCH_CHECK(labels_BT.reshape({-1})
                    .index_select(0, first_P)
                    .eq(kNoLoss)
                    .all()
                    .item<bool>(),
                "the first token of a packed sequence is a target");
  }
  // Target rows: position t-1 of the flattened batch for a label at t.
  const at::Tensor target_rows =
      labels_BT.narrow(1, 1, labels_BT.size(1) - 1).ne(kNoLoss).nonzero();
  const at::Tensor row_M = target_rows.select(1, 0)
                               .mul(labels_BT.size(1))
                               .add(target_rows.select(1, 1));
  const at::Tensor label_M = labels_BT.reshape({-1}).index_select(0, row_M + 1);
  const at::Tensor x_BTD = Backbone(batch);
  const at::Tensor x_MD =
      x_BTD.reshape({-1, config_.width}).index_select(0, row_M);
  LossOutput out;
  out.target_tokens = row_M.numel();
  if (out.target_tokens == 0) {
    out.loss_sum = x_MD.sum();  // zero, and differentiable
    return out;
  }
  out.loss_sum = at::cross_entropy_loss(
      Logits(RmsNorm(x_MD, norm_D_, config_.norm_epsilon)), label_M,
      /*weight=*/std::nullopt, at::Reduction::Sum);
  return out;
}

std::vector<NamedTensor> Decoder::DenseState() {
  std::vector<NamedTensor> out;
  out.push_back({"model.embed_tokens.weight", embedding_VD_.detach()});
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    for (int64_t m = 0; m < kMapsPerLayer; ++m) {
      const LinearSlot& slot = slots_[layer * kMapsPerLayer + m];
      out.push_back(
          {absl::StrCat(slot.name, ".weight"), slot.map->DenseWeight()});
      const at::Tensor bias_O = FindTensor(*slot.map, "bias");
      if (bias_O.defined()) {
        out.push_back({absl::StrCat(slot.name, ".bias"),
                       bias_O.detach().to(master_dtype())});
      }
    }
    out.push_back({LayerName(layer, "input_layernorm.weight"),
                   input_norms_D_[layer].detach()});
    out.push_back({LayerName(layer, "post_attention_layernorm.weight"),
                   post_norms_D_[layer].detach()});
  }
  out.push_back({"model.norm.weight", norm_D_.detach()});
  if (head_VD_.defined()) {
    out.push_back({"lm_head.weight", head_VD_.detach()});
  }
  return out;
}

std::string Decoder::ConfigJson() const {
  return ConfigToJson(config_,
                      master_dtype() == at::kDouble ? "float64" : "float32");
}

}  // namespace sft
