// What a decoder computes: embedding, blocks, head, loss.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "harness/kernels/attention/device_attention.h"
#include "harness/model/forward/decoder.h"
#include "harness/model/ops/checkpoint.h"
#include "harness/model/ops/head_loss.h"
#include "harness/model/ops/linear_product.h"
#include "harness/model/ops/reading_product.h"

namespace sft::model {
namespace {

struct Targets {
  at::Tensor row_M;    // position t-1 of the flattened batch for a label at t
  at::Tensor label_M;  // kNoLoss counts for nothing
};

Targets TargetsOf(const Batch& batch, at::Device device) {
  if (batch.target_row_M.defined()) {
    return {batch.target_row_M.to(device), batch.target_M.to(device)};
  }
  const at::Tensor labels_BT = batch.labels_BT.to(device);
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
  const at::Tensor target_rows =
      labels_BT.narrow(1, 1, labels_BT.size(1) - 1).ne(kNoLoss).nonzero();
  const at::Tensor row_M = target_rows.select(1, 0)
                               .mul(labels_BT.size(1))
                               .add(target_rows.select(1, 1));
  return {row_M, labels_BT.reshape({-1}).index_select(0, row_M + 1)};
}

}  // namespace

at::Tensor Decoder::Embed(const at::Tensor& ids_BT,
                          const at::Tensor& position_BT) const {
  // As in transformers, the pad token's row takes no gradient as an input.
  const int64_t pad = layout().masks_pad ? config_.pad.value_or(-1) : -1;
  at::Tensor x_BTD = at::embedding(embedding_VD_, ids_BT.to(device()), pad);
  if (config_.embedding_scale != 1) x_BTD = x_BTD.mul(config_.embedding_scale);
  if (positions_PD_.defined()) {
    x_BTD = x_BTD.add(at::embedding(positions_PD_, position_BT));
  }
  return x_BTD;
}

bool Decoder::RescalesByLength() const {
  return config_.rope_scaling.type == RopeType::kDynamic ||
         config_.local_rope_scaling.type == RopeType::kDynamic;
}

Decoder::Rotation Decoder::MakeRotation(const at::Tensor& position_BT,
                                        const at::Tensor& length_BT) const {
  Rotation out;
  if (positions_PD_.defined()) return out;
  const at::Tensor length = !RescalesByLength()   ? at::Tensor()
                            : length_BT.defined() ? length_BT
                                                  : position_BT + 1;
  auto table = [&](double theta, const RopeScaling& scaling) {
    return MakeScaledRotaryTable(position_BT, length, config_.head_width, theta,
                                 scaling, master_dtype());
  };
  out.global = table(config_.rope_theta, config_.rope_scaling);
  out.local = config_.local_rope_theta > 0
                  ? table(config_.local_rope_theta, config_.local_rope_scaling)
                  : out.global;
  return out;
}

at::Tensor Decoder::Normed(const NormWeights& norm, const at::Tensor& x,
                           at::ScalarType out) const {
  switch (config_.norm) {
    case NormKind::kRms:
      return RmsNorm(x, norm.weight_D, config_.norm_epsilon, out);
    case NormKind::kRmsPlusOne:
      return RmsNorm(x, norm.weight_D + 1, config_.norm_epsilon, out);
    case NormKind::kLayer:
      return at::layer_norm(x, {x.size(-1)}, norm.weight_D, norm.bias_D,
                            config_.norm_epsilon)
          .to(out);
  }
  return x;
}

at::Tensor Decoder::NormedAt(int64_t layer, NormPlace place,
                             const at::Tensor& x, at::ScalarType out) const {
  const int64_t index = layout().NormIndex(place);
  if (index < 0) return x;
  return Normed(norms_[layer * layout().norms.size() + index],
                x.to(master_dtype()), out);
}

at::Tensor Decoder::Block(int64_t layer, const at::Tensor& x_BTD,
                          const Rotation& rotation, const PassState& pass,
                          const AttendFn& attend) {
  const int64_t B = x_BTD.size(0), T = x_BTD.size(1);
  auto map = [&](Role role, const at::Tensor& x) {
    const int64_t index = layout().MapIndex(role);
    return slots_[layer * layout().maps.size() + index].map->Forward(x, pass);
  };
  auto heads = [&](const at::Tensor& x, int64_t count) {
    return x.view({B, T, count, config_.head_width});
  };
  const at::Tensor h_BTD =
      NormedAt(layer, NormPlace::kBeforeAttention, x_BTD, compute_);
  at::Tensor q, k, v;
  if (layout().MapIndex(Role::kQkv) >= 0) {
    const int64_t keys = config_.kv_heads * config_.head_width;
    const std::vector<at::Tensor> parts =
        map(Role::kQkv, h_BTD)
            .split_with_sizes({config_.heads * config_.head_width, keys, keys},
                              -1);
    q = parts[0], k = parts[1], v = parts[2];
  } else {
    q = map(Role::kQuery, h_BTD);
    k = map(Role::kKey, h_BTD);
    v = map(Role::kValue, h_BTD);
  }
  const RotaryTable& rope =
      config_.ShapeOf(layer).window > 0 ? rotation.local : rotation.global;
  auto placed = [&](const at::Tensor& x_BTNH, NormPlace place) {
    const at::Tensor x_BNTH =
        NormedAt(layer, place, x_BTNH, compute_).transpose(1, 2);
    return rope.cos_B1TH.defined() ? Rotate(x_BNTH, rope) : x_BNTH;
  };
  const at::Tensor seen_BTA =
      attend(placed(heads(q, config_.heads), NormPlace::kQuery),
             placed(heads(k, config_.kv_heads), NormPlace::kKey),
             heads(v, config_.kv_heads).transpose(1, 2))
          .transpose(1, 2)
          .reshape({B, T, -1});
  const at::Tensor mid_BTD =
      x_BTD.add(NormedAt(layer, NormPlace::kAfterAttention,
                         map(Role::kOutput, seen_BTA), master_dtype()));
  const at::Tensor m_BTD =
      NormedAt(layer, NormPlace::kBeforeFeedForward, mid_BTD, compute_);
  return mid_BTD.add(NormedAt(layer, NormPlace::kAfterFeedForward,
                              FeedForward(layer, m_BTD, pass), master_dtype()));
}

at::Tensor Decoder::FeedForward(int64_t layer, const at::Tensor& m_BTD,
                                const PassState& pass) {
  auto map = [&](Role role, const at::Tensor& x) {
    const int64_t index = layout().MapIndex(role);
    return slots_[layer * layout().maps.size() + index].map->Forward(x, pass);
  };
  if (layout().MapIndex(Role::kGate) < 0) {
    return map(Role::kDown,
               Activate(config_.activation, map(Role::kUp, m_BTD)));
  }
  const bool silu = config_.activation == Activation::kSilu;
  const at::Tensor gate = map(Role::kGate, m_BTD);
  const at::Tensor up = map(Role::kUp, m_BTD);
  return map(Role::kDown, silu ? SwiGlu(gate, up) : GeGluTanh(gate, up));
}

bool Decoder::NeedsGradient(int64_t layer, const at::Tensor& x_BTD) const {
  if (!c10::GradMode::is_enabled()) return false;
  if (x_BTD.requires_grad()) return true;
  const size_t maps = layout().maps.size(), norms = layout().norms.size();
  for (size_t n = layer * norms; n < (layer + 1) * norms; ++n) {
    if (norms_[n].weight_D.requires_grad()) return true;
    if (norms_[n].bias_D.defined() && norms_[n].bias_D.requires_grad()) {
      return true;
    }
  }
  for (size_t m = layer * maps; m < (layer + 1) * maps; ++m) {
    for (const NamedTensor& named : slots_[m].map->Tensors()) {
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
    Rotation rotation;
    PassState state;
    double scale;
  };
  const at::Tensor position_BT = batch.position_ids_BT.to(device());
  const auto pass = std::make_shared<const Pass>(
      Pass{batch,
           MakeRotation(position_BT, RescalesByLength() ? SequenceLengths(batch)
                                                        : at::Tensor()),
           pass_state(), config_.AttentionScale()});
  at::Tensor x_BTD = AddEmbeddingNoise(Embed(batch.input_ids_BT, position_BT),
                                       batch, pass_state());
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    BlockFn block = [this, layer, pass](const at::Tensor& x) {
      return Block(
          layer, x, pass->rotation, pass->state,
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
  return Normed(norm_, Backbone(batch), master_dtype());
}

at::Tensor Decoder::Logits(const at::Tensor& h_MD) {
  return LogitsOf(h_MD, 0, info_.vocabulary);
}

at::Tensor Decoder::LogitsOf(const at::Tensor& h_MD, int64_t first,
                             int64_t count) {
  const at::Tensor w_VD =
      (head_VD_.defined() ? head_VD_ : embedding_VD_).narrow(0, first, count);
  const at::Tensor h = h_MD.to(compute_), no_bias;
  at::Tensor logits_MV;
  if (c10::GradMode::is_enabled()) {
    logits_MV = LinearProduct(h, w_VD.to(compute_), no_bias);
  } else if (count == info_.vocabulary) {
    logits_MV = ReadingProduct(h, w_VD.to(compute_), no_bias);
  } else {
    logits_MV = head_parts_[first].Product(h, w_VD, no_bias);
  }
  logits_MV = logits_MV.to(master_dtype());
  const double cap = config_.final_softcap;
  return cap > 0 ? logits_MV.div(cap).tanh().mul(cap) : logits_MV;
}

bool Decoder::IsReplayable() {
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    const kernels::AttentionShape shape = config_.ShapeOf(layer);
    if (shape.softcap > 0 ||
        !kernels::HasDeviceAttention(device(), compute_, config_.head_width,
                                     shape.window > 0)) {
      return false;
    }
  }
  return pass_state().neftune_alpha == 0 && !RescalesByLength() &&
         std::none_of(slots_.begin(), slots_.end(),
                      [](const LinearSlot& slot) { return slot.map->Draws(); });
}

LossOutput Decoder::SumLoss(const Batch& batch) {
  if (c10::GradMode::is_enabled()) head_parts_.clear();
  const auto [row_M, label_M] = TargetsOf(batch, device());
  const at::Tensor x_BTD = Backbone(batch);
  const at::Tensor x_MD =
      x_BTD.reshape({-1, config_.width}).index_select(0, row_M);
  LossOutput out;
  out.target_tokens =
      batch.target_row_M.defined() ? batch.target_tokens : row_M.numel();
  if (row_M.numel() == 0) {
    out.loss_sum = x_MD.sum();  // zero, and differentiable
    return out;
  }
  const at::Tensor h_MD = Normed(norm_, x_MD, compute_);
  out.loss_sum =
      config_.final_softcap > 0
          ? at::cross_entropy_loss(Logits(h_MD), label_M,
                                   /*weight=*/std::nullopt, at::Reduction::Sum)
          : HeadLoss(h_MD, head_VD_.defined() ? head_VD_ : embedding_VD_,
                     label_M);
  return out;
}

}  // namespace sft::model
