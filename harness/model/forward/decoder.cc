#include "harness/model/forward/decoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "harness/kernels/attention/attention.h"
#include "harness/model/ops/dense_linear.h"
#include "harness/model/ops/head_loss.h"
#include "harness/model/ops/linear_product.h"

namespace sft::model {
namespace {

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
    case Role::kQkv:
      return {attention + 2 * keys, c.width, c.attention_bias};
    case Role::kOutput:
      return {c.width, attention, c.attention_bias && c.output_bias};
    case Role::kGate:
    case Role::kUp:
      return {c.ffn_width, c.width, c.mlp_bias};
    case Role::kGateUp:
      return {2 * c.ffn_width, c.width, c.mlp_bias};
    default:
      return {c.width, c.ffn_width, c.mlp_bias};
  }
}

int64_t NormWidth(const DecoderConfig& c, NormPlace place) {
  const bool of_query = place == NormPlace::kQuery;
  if (!of_query && place != NormPlace::kKey) return c.width;
  if (!c.layout->normed_together) return c.head_width;
  return c.head_width * (of_query ? c.heads : c.kv_heads);
}

// What the feed-forward keeps, in rows of its inner width.
int64_t FeedForwardRows(const DecoderConfig& c) {
  const bool gated = c.layout->MapIndex(Role::kGate) >= 0 ||
                     c.layout->MapIndex(Role::kGateUp) >= 0;
  // The gated GELU's result is not made again.
  if (gated) return c.activation == Activation::kSilu ? 2 : 3;
  // Of its input a ReLU needs to know what its result says.
  return c.activation == Activation::kRelu || c.activation == Activation::kTanh
             ? 1
             : 2;
}

}  // namespace

std::vector<ParameterShape> DecoderParameters(const DecoderConfig& c) {
  const DecoderLayout& layout = *c.layout;
  std::vector<ParameterShape> out;
  auto add_norm = [&](std::string_view name, int64_t width) {
    out.push_back({WeightName(name), {width}});
    if (c.norm == NormKind::kLayer) out.push_back({BiasName(name), {width}});
  };
  out.push_back({WeightName(layout.embedding), {c.vocabulary, c.width}});
  if (!layout.positions.empty()) {
    out.push_back({WeightName(layout.positions),
                   {c.max_positions + c.position_offset, c.width}});
  }
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    for (const DecoderLayout::Map& map : layout.maps) {
      const MapShape shape = ShapeOf(c, map.role);
      const std::string name = layout.LayerName(layer, map.name);
      out.push_back(
          {WeightName(name), {shape.out, shape.in}, layout.transposed_maps});
      if (shape.bias) out.push_back({BiasName(name), {shape.out}});
    }
    for (const DecoderLayout::Norm& norm : layout.norms) {
      add_norm(layout.LayerName(layer, norm.name), NormWidth(c, norm.place));
    }
  }
  add_norm(layout.final_norm, c.width);
  if (!c.tied_head) {
    out.push_back({WeightName(layout.head), {c.vocabulary, c.width}});
  }
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
  info_.max_positions = c.Reach();
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
  auto take_norm = [&](const std::string& name, int64_t layer) {
    return NormWeights{
        name, layer, take(WeightName(name)),
        c.norm == NormKind::kLayer ? take(BiasName(name)) : at::Tensor()};
  };
  embedding_VD_ = take(WeightName(layout().embedding));
  if (!layout().positions.empty()) {
    positions_PD_ = take(WeightName(layout().positions));
  }
  norm_ = take_norm(std::string(layout().final_norm), -1);
  if (!c.tied_head) head_VD_ = take(WeightName(layout().head));
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    for (const DecoderLayout::Map& map : layout().maps) {
      const MapShape shape = ShapeOf(c, map.role);
      LinearSlot slot;
      slot.name = layout().LayerName(layer, map.name);
      slot.layer = layer;
      slot.role = map.role;
      slot.in_features = shape.in;
      slot.out_features = shape.out;
      slot.stored_transposed = layout().transposed_maps;
      slot.map = std::make_unique<DenseLinear>(
          take(WeightName(slot.name)),
          shape.bias ? take(BiasName(slot.name)) : at::Tensor(), compute_);
      slots_.push_back(std::move(slot));
    }
    for (const DecoderLayout::Norm& norm : layout().norms) {
      norms_.push_back(take_norm(layout().LayerName(layer, norm.name), layer));
    }
    attention_.push_back(
        {layer, [shape = c.ShapeOf(layer)](
                    const at::Tensor& q, const at::Tensor& k,
                    const at::Tensor& v, const Batch& batch, double scale) {
           return kernels::DefaultAttention(q, k, v, batch, scale, shape);
         }});
  }
}

std::vector<Parameter> Decoder::Parameters() {
  std::vector<Parameter> out;
  auto add_norm = [&](const NormWeights& norm) {
    out.push_back(
        {WeightName(norm.name), norm.layer, Role::kNorm, norm.weight_D});
    if (norm.bias_D.defined()) {
      out.push_back(
          {BiasName(norm.name), norm.layer, Role::kBias, norm.bias_D});
    }
  };
  out.push_back(
      {WeightName(layout().embedding), -1, Role::kEmbedding, embedding_VD_});
  if (positions_PD_.defined()) {
    out.push_back(
        {WeightName(layout().positions), -1, Role::kEmbedding, positions_PD_});
  }
  const size_t maps = layout().maps.size(), norms = layout().norms.size();
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    for (size_t m = 0; m < maps; ++m) {
      LinearSlot& slot = slots_[layer * maps + m];
      auto* dense = dynamic_cast<DenseLinear*>(slot.map.get());
      if (dense == nullptr) continue;
      out.push_back(
          {WeightName(slot.name), layer, slot.role, dense->weight_OI()});
      if (dense->bias_O().defined()) {
        out.push_back(
            {BiasName(slot.name), layer, Role::kBias, dense->bias_O()});
      }
    }
    for (size_t n = 0; n < norms; ++n) add_norm(norms_[layer * norms + n]);
  }
  add_norm(norm_);
  if (head_VD_.defined()) {
    out.push_back({WeightName(layout().head), -1, Role::kHead, head_VD_});
  }
  return out;
}

PassMatrices Decoder::Matrices() {
  PassMatrices out;
  for (const LinearSlot& slot : slots_) {
    for (const MatrixShape& matrix : slot.map->Matrices()) {
      out.blocks.push_back(matrix);
    }
  }
  const at::Tensor& head_VD = head_VD_.defined() ? head_VD_ : embedding_VD_;
  out.head = {{config_.width, config_.vocabulary, head_VD.requires_grad()}};
  return out;
}

int64_t Decoder::BytesOfBlock(int64_t layer, const PassSize& pass) const {
  const DecoderConfig& c = config_;
  const int64_t master = embedding_VD_.element_size();
  const auto compute = static_cast<int64_t>(c10::elementSize(compute_));
  const int64_t queries = c.heads * c.head_width;
  const int64_t keys = c.kv_heads * c.head_width;
  int64_t token = 0;
  // Every norm keeps what it read. LibTorch's norm of layers cannot be made
  // again from that.
  const int64_t of_norm =
      c.norm == NormKind::kLayer ? 2 * master + compute * c.width : 4;
  const bool together = layout().normed_together;
  for (const auto& norm : layout().norms) {
    if (norm.place == NormPlace::kQuery) {
      token += master * queries + 4 * (together ? 1 : c.heads);
    } else if (norm.place == NormPlace::kKey) {
      token += master * keys + 4 * (together ? 1 : c.kv_heads);
    } else {
      const bool is_sum_made_again =
          norm.place == NormPlace::kBeforeFeedForward && compute < master &&
          c.norm != NormKind::kLayer && !embedding_VD_.is_cuda() &&
          layout().NormIndex(NormPlace::kAfterAttention) < 0;
      token += (is_sum_made_again ? compute : master) * c.width + of_norm;
    }
  }
  // Where no norm is before them, maps keep what they read.
  for (NormPlace place :
       {NormPlace::kBeforeAttention, NormPlace::kBeforeFeedForward}) {
    if (layout().NormIndex(place) < 0) token += compute * c.width;
  }
  // Both norms keep one and the same.
  if (c.parallel) token -= master * c.width;
  token += compute * c.ffn_width * FeedForwardRows(c);
  const kernels::AttentionShape shape = c.ShapeOf(layer);
  const int64_t scores =  // of a head
      std::max<int64_t>(2 * pass.attention_pairs - pass.tokens, 0);
  if (shape.softcap > 0) {
    // The scores are tensors: keys and values of every query's head in the wide
    // dtype, what tanh and softmax gave, and where tokens see.
    token += (3 * master + compute) * queries;
    return pass.tokens * token + scores * (2 * master * c.heads + 1);
  }
  if (shape.window > 0 && shape.window < pass.tokens) {
    // Each sequence by itself: such keys and values too, its result before it
    // joins the others', and a mask where it is longer than the window.
    token += (4 * master + compute) * queries + 4 * c.heads;
    const bool masked = shape.window * pass.tokens < scores;
    return pass.tokens * token + (masked ? scores * master : 0);
  }
  return pass.tokens *
         (token + compute * (2 * queries + 2 * keys) + 4 * c.heads);
}

PassBytes Decoder::BytesOf(const PassSize& pass) {
  const int64_t width = config_.width, vocabulary = config_.vocabulary;
  const int64_t master = embedding_VD_.element_size();
  const auto compute = static_cast<int64_t>(c10::elementSize(compute_));
  PassBytes out;
  int64_t blocks = 0, largest = 0;
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    const int64_t block = BytesOfBlock(layer, pass);
    blocks += block;
    largest = std::max(largest, block);
  }
  out.blocks = pass.activation_checkpointing
                   ? largest + config_.layers * pass.tokens * master * width
                   : blocks;
  const bool casts = compute < master;
  out.head = pass.targets * width * (master + 2 * compute);
  if (config_.final_softcap > 0) {
    // Logits before, within and behind the cap, all at once.
    out.head += 4 * pass.targets * vocabulary * master;
  } else {
    out.head += std::min(pass.targets, kHeadLossRows) * vocabulary * compute;
  }
  const at::Tensor& head_VD = head_VD_.defined() ? head_VD_ : embedding_VD_;
  const int64_t matrix = vocabulary * width;
  if (casts) out.head += matrix * compute;
  // The divided rows, and those that they were made of.
  if (config_.logit_divisor != 1) {
    out.head += 2 * pass.targets * width * compute;
  }
  if (head_VD.requires_grad()) {
    // Made beside the loss; under a cap it comes in the backward pass.
    if (config_.final_softcap <= 0) {
      out.head += matrix * master;
      if (casts) {
        out.head +=
            std::min(vocabulary, kGradientPart) * width * (master + compute);
      }
    }
    if (!head_VD_.defined()) {
      // Split (SplitTied), it is of the tokens' rows alone.
      const bool is_split =
          !embedding_VD_.is_cuda() && config_.final_softcap <= 0;
      out.lookup_gradient =
          is_split ? std::min(pass.tokens, vocabulary) * width * master
                   : matrix * master;
    }
  }
  return out;
}

bool Decoder::UntieHead() {
  if (head_VD_.defined()) return false;
  head_VD_ = embedding_VD_.detach().clone();
  config_.tied_head = info_.tied_head = false;
  return true;
}

std::vector<NamedTensor> Decoder::DenseState() {
  std::vector<NamedTensor> out;
  auto add_norm = [&](const NormWeights& norm) {
    out.push_back({WeightName(norm.name), norm.weight_D.detach()});
    if (norm.bias_D.defined()) {
      out.push_back({BiasName(norm.name), norm.bias_D.detach()});
    }
  };
  out.push_back({WeightName(layout().embedding), embedding_VD_.detach()});
  if (positions_PD_.defined()) {
    out.push_back({WeightName(layout().positions), positions_PD_.detach()});
  }
  const size_t maps = layout().maps.size(), norms = layout().norms.size();
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    for (size_t m = 0; m < maps; ++m) {
      const LinearSlot& slot = slots_[layer * maps + m];
      const at::Tensor weight_OI = slot.map->DenseWeight();
      out.push_back({WeightName(slot.name), layout().transposed_maps
                                                ? weight_OI.t().contiguous()
                                                : weight_OI});
      const at::Tensor bias_O = FindTensor(*slot.map, "bias");
      if (bias_O.defined()) {
        out.push_back(
            {BiasName(slot.name), bias_O.detach().to(master_dtype())});
      }
    }
    for (size_t n = 0; n < norms; ++n) add_norm(norms_[layer * norms + n]);
  }
  add_norm(norm_);
  if (head_VD_.defined()) {
    out.push_back({WeightName(layout().head), head_VD_.detach()});
  }
  return out;
}

std::string Decoder::ConfigJson() const {
  return ConfigToJson(config_,
                      master_dtype() == at::kDouble ? "float64" : "float32");
}

}  // namespace sft::model
