// What a decoder computes: embedding, blocks, head, loss.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <utility>

#include "harness/core/stop_point.h"
#include "harness/kernels/attention/device_attention.h"
#include "harness/model/forward/decoder.h"
#include "harness/model/forward/decoder_block.h"
#include "harness/model/ops/checkpoint.h"
#include "harness/model/ops/head_loss.h"
#include "harness/model/ops/linear_product.h"
#include "harness/model/ops/reading_product.h"
#include "harness/model/ops/tied_weight.h"

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

int64_t Decoder::pad_id() const {
  // As in transformers, the pad token's row takes no gradient as an input.
  return layout().masks_pad ? config_.pad.value_or(-1) : -1;
}

at::Tensor Decoder::Embed(const at::Tensor& ids_BT,
                          const at::Tensor& position_BT) const {
  return Embedded(at::embedding(embedding_VD_, ids_BT.to(device()), pad_id()),
                  position_BT);
}

at::Tensor Decoder::Embedded(at::Tensor rows_BTD,
                             const at::Tensor& position_BT) const {
  if (config_.embedding_scale != 1) {
    rows_BTD = rows_BTD.mul(config_.embedding_scale);
  }
  if (positions_PD_.defined()) {
    const int64_t offset = config_.position_offset;
    rows_BTD = rows_BTD.add(at::embedding(
        positions_PD_, offset == 0 ? position_BT : position_BT + offset));
  }
  return rows_BTD;
}

bool Decoder::RescalesByLength() const {
  return ScalesByLength(config_.rope_scaling) ||
         ScalesByLength(config_.local_rope_scaling);
}

Decoder::Rotation Decoder::MakeRotation(const at::Tensor& position_BT,
                                        const at::Tensor& length_BT) const {
  Rotation out;
  if (positions_PD_.defined()) return out;
  const at::Tensor length = !RescalesByLength()   ? at::Tensor()
                            : length_BT.defined() ? length_BT
                                                  : position_BT + 1;
  auto table = [&](double theta, const RopeScaling& scaling) {
    return MakeScaledRotaryTable(position_BT, length, config_.RotaryWidth(),
                                 theta, scaling, master_dtype());
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

// One layer's operations on tensors (decoder_block.h).
class Decoder::TensorBlock {
 public:
  using Value = at::Tensor;

  TensorBlock(Decoder& decoder, int64_t layer, const Rotation& rotation,
              const PassState& pass, const AttendFn& attend)
      : decoder_(decoder),
        config_(decoder.config_),
        layer_(layer),
        rope_(rotation.Of(config_, layer)),
        pass_(pass),
        attend_(attend) {}

  at::Tensor Norm(NormPlace place, const at::Tensor& x) const {
    return decoder_.NormedAt(layer_, place, x, decoder_.compute_)
        .to(decoder_.compute_);
  }
  at::Tensor NormSum(NormPlace place, const at::Tensor& x) const {
    return decoder_.NormedAt(layer_, place, x, decoder_.master_dtype());
  }
  at::Tensor Map(Role role, const at::Tensor& x) const {
    return decoder_.SlotOf(layer_, role).map->Forward(x, pass_);
  }
  std::array<at::Tensor, 3> Split(const at::Tensor& x) const {
    const int64_t queries = config_.heads * config_.head_width;
    const int64_t keys = config_.kv_heads * config_.head_width;
    if (decoder_.layout().qkv_by_head) {
      const at::Tensor x_BTN3H =
          x.view({x.size(0), x.size(1), -1, 3, config_.head_width});
      const auto part = [&x_BTN3H](int64_t i) {
        return x_BTN3H.select(3, i).flatten(2);
      };
      return {part(0), part(1), part(2)};
    }
    const std::vector<at::Tensor> parts =
        x.split_with_sizes({queries, keys, keys}, -1);
    // Rotated queries and keys are new tensors: the values alone would keep
    // all three.
    return {parts[0], parts[1],
            config_.Rotates(layer_) ? parts[2].contiguous() : parts[2]};
  }
  // Copies, or the pair would be kept beside its parts.
  std::array<at::Tensor, 2> SplitGate(const at::Tensor& x) const {
    const std::vector<at::Tensor> parts = x.chunk(2, -1);
    return {parts[0].contiguous(), parts[1].contiguous()};
  }
  // -> [B, heads, T, H]
  at::Tensor Placed(NormPlace place, const at::Tensor& x) const {
    const at::Tensor x_BNTH =
        (decoder_.layout().normed_together ? Heads(Norm(place, x))
                                           : Norm(place, Heads(x)))
            .transpose(1, 2);
    return rope_.cos_B1TH.defined() ? Rotate(x_BNTH, rope_) : x_BNTH;
  }
  at::Tensor Attend(const at::Tensor& q_BNTH, const at::Tensor& k_BKTH,
                    const at::Tensor& v) const {
    return attend_(q_BNTH, k_BKTH, Heads(v).transpose(1, 2))
        .transpose(1, 2)
        .reshape({v.size(0), v.size(1), -1});
  }
  at::Tensor Gated(const at::Tensor& gate, const at::Tensor& up) const {
    return config_.activation == Activation::kSilu ? SwiGlu(gate, up)
                                                   : GeGluTanh(gate, up);
  }
  at::Tensor Activated(const at::Tensor& up) const {
    return Activate(config_.activation, up);
  }
  at::Tensor Add(const at::Tensor& x, const at::Tensor& more) const {
    return config_.norm == NormKind::kLayer
               ? x.add(more, config_.residual_scale)
               : ResidualSum(x, more, config_.residual_scale);
  }

 private:
  // [B, T, I] -> [B, T, heads, H]
  at::Tensor Heads(const at::Tensor& x) const {
    return x.view({x.size(0), x.size(1), -1, config_.head_width});
  }

  Decoder& decoder_;
  const DecoderConfig& config_;
  int64_t layer_;
  const RotaryTable& rope_;
  const PassState& pass_;
  const AttendFn& attend_;
};

at::Tensor Decoder::Block(int64_t layer, const at::Tensor& x_BTD,
                          const Rotation& rotation, const PassState& pass,
                          const AttendFn& attend) {
  TensorBlock block(*this, layer, rotation, pass, attend);
  return RunBlock(config_, block, x_BTD);
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

bool Decoder::TrainsTied() const {
  // On a card a sum over its tokens needs the host; a cap makes logits whole.
  return c10::GradMode::is_enabled() && !head_VD_.defined() &&
         embedding_VD_.requires_grad() && embedding_VD_.is_cpu() &&
         config_.final_softcap <= 0;
}

at::Tensor Decoder::Backbone(const Batch& batch, at::Tensor embedded_BTD) {
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
  at::Tensor x_BTD =
      AddEmbeddingNoise(std::move(embedded_BTD), batch, pass_state());
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    StopPoint();  // a batch of an evaluation may take many seconds
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

at::Tensor Decoder::HeadRows(const at::Tensor& h_MD) const {
  const at::Tensor h = h_MD.to(compute_);
  return config_.logit_divisor == 1 ? h : h.div(config_.logit_divisor);
}

at::Tensor Decoder::Logits(const at::Tensor& h_MD) {
  return LogitsOf(h_MD, 0, info_.vocabulary);
}

at::Tensor Decoder::LogitsOf(const at::Tensor& h_MD, int64_t first,
                             int64_t count) {
  const at::Tensor w_VD = head_weight_VD().narrow(0, first, count);
  const at::Tensor h = HeadRows(h_MD), no_bias;
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
  const TiedWeight tied = TrainsTied() ? SplitTied(embedding_VD_)
                                       : TiedWeight{{}, head_weight_VD()};
  const at::Tensor x_BTD =
      tied.lookup_VD.defined()
          ? Backbone(batch, Embedded(LookUp(tied.lookup_VD, batch.input_ids_BT,
                                            pad_id()),
                                     batch.position_ids_BT))
          : Backbone(batch);
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
          : HeadLoss(HeadRows(h_MD), tied.head_VD, label_M);
  return out;
}

}  // namespace sft::model
