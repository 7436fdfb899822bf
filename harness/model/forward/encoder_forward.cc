// What an encoder computes: embeddings, blocks, heads, losses.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/core/stop_point.h"
#include "harness/model/forward/encoder.h"
#include "harness/model/ops/checkpoint.h"
#include "harness/model/ops/linear_product.h"

namespace sft::model {
namespace {

// Where each sequence begins in the batch's rows laid end to end.
std::vector<int64_t> FirstTokens(const Batch& batch) {
  std::vector<int64_t> out;
  if (!batch.cu_seqlens.defined()) {
    for (int64_t b = 0; b < batch.input_ids_BT.size(0); ++b) {
      out.push_back(b * batch.input_ids_BT.size(1));
    }
    return out;
  }
  const at::Tensor bounds = batch.cu_seqlens.cpu();
  const int32_t* bound = bounds.data_ptr<int32_t>();
  for (int64_t p = 0; p + 1 < bounds.numel(); ++p) out.push_back(bound[p]);
  return out;
}

at::Tensor Indices(const std::vector<int64_t>& values, at::Device device) {
  return at::tensor(values, at::kLong).to(device);
}

at::Tensor CrossEntropySum(const at::Tensor& logits_MC,
                           const at::Tensor& label_M) {
  return at::cross_entropy_loss(logits_MC, label_M, /*weight=*/std::nullopt,
                                at::Reduction::Sum, /*ignore_index=*/kNoLoss);
}

}  // namespace

at::Tensor Encoder::Positions(const Batch& batch) const {
  int64_t longest = 0;
  for (int64_t length : batch.lengths) longest = std::max(longest, length);
  TORCH_CHECK(longest <= config_.max_positions(), "a row of ", longest,
              " tokens is longer than the ", config_.max_positions(),
              " positions of ", info_.name);
  const at::Tensor position_BT = batch.position_ids_BT.to(device());
  if (!config_.positions_skip_pad) {
    // Pads behind the last position count as the last one: nobody sees them.
    return position_BT.clamp_max(config_.position_rows - 1);
  }
  // As in transformers: pad + the number of tokens so far that are no pads.
  const at::Tensor real_BT =
      batch.input_ids_BT.to(device()).ne(*config_.pad).to(at::kLong);
  const at::Tensor count_BT = real_BT.cumsum(1);
  const at::Tensor first_BT =
      at::arange(position_BT.size(1), position_BT.options()).sub(position_BT);
  const at::Tensor before_BT = count_BT.sub(real_BT).gather(1, first_BT);
  return count_BT.sub(before_BT)
      .mul(real_BT)
      .add(*config_.pad)
      .clamp_max(config_.position_rows - 1);
}

at::Tensor Encoder::Embed(const Batch& batch) {
  // As in transformers, the pad token's rows take no gradient as an input.
  const int64_t pad = config_.pad.value_or(-1);
  const at::Tensor ids_BT = batch.input_ids_BT.to(device());
  at::Tensor x_BTD = at::embedding(embedding_VD_, ids_BT, pad);
  if (types_SD_.defined()) {
    const at::Tensor type_BT = batch.token_types_BT.defined()
                                   ? batch.token_types_BT.to(device())
                                   : at::zeros_like(ids_BT);
    TORCH_CHECK(!batch.token_types_BT.defined() || config_.token_types > 1 ||
                    !type_BT.any().item<bool>(),
                info_.name, " has one type of tokens, the batch has more");
    x_BTD = x_BTD.add(at::embedding(types_SD_, type_BT));
  }
  const int64_t position_pad = config_.positions_skip_pad ? pad : -1;
  x_BTD =
      x_BTD.add(at::embedding(positions_PD_, Positions(batch), position_pad));
  return AddEmbeddingNoise(Normed(embedding_norm_, x_BTD), batch, pass_state());
}

at::Tensor Encoder::Normed(const NormWeights& norm, const at::Tensor& x) const {
  return at::layer_norm(x, {config_.width}, norm.weight_D, norm.bias_D,
                        config_.norm_epsilon);
}

at::Tensor Encoder::Block(int64_t layer, const at::Tensor& x_BTD,
                          const PassState& pass, const Batch& batch) {
  const int64_t B = x_BTD.size(0), T = x_BTD.size(1);
  auto map = [&](Role role, const at::Tensor& x) {
    const int64_t index = layout().MapIndex(role);
    return slots_[layer * layout().maps.size() + index].map->Forward(x, pass);
  };
  auto heads = [&](const at::Tensor& x_BTA) {
    return x_BTA.view({B, T, config_.heads, config_.head_width()})
        .transpose(1, 2);
  };
  const at::Tensor h_BTD = x_BTD.to(compute_);
  const double scale = 1 / std::sqrt(static_cast<double>(config_.head_width()));
  const at::Tensor seen_BTD =
      attention_[layer]
          .attend(heads(map(Role::kQuery, h_BTD)),
                  heads(map(Role::kKey, h_BTD)),
                  heads(map(Role::kValue, h_BTD)), batch, scale)
          .transpose(1, 2)
          .reshape({B, T, config_.width});
  const at::Tensor mid_BTD =
      Normed(norms_[layer * 2],
             x_BTD.add(map(Role::kOutput, seen_BTD).to(master_dtype())));
  const at::Tensor up_BTF = map(Role::kUp, mid_BTD.to(compute_));
  const at::Tensor down_BTD =
      map(Role::kDown, Activate(config_.activation, up_BTF));
  return Normed(norms_[layer * 2 + 1],
                mid_BTD.add(down_BTD.to(master_dtype())));
}

bool Encoder::NeedsGradient(int64_t layer, const at::Tensor& x_BTD) const {
  if (!c10::GradMode::is_enabled()) return false;
  if (x_BTD.requires_grad()) return true;
  for (int64_t n = layer * 2; n < layer * 2 + 2; ++n) {
    if (norms_[n].weight_D.requires_grad()) return true;
    if (norms_[n].bias_D.requires_grad()) return true;
  }
  const size_t maps = layout().maps.size();
  for (size_t m = layer * maps; m < (layer + 1) * maps; ++m) {
    for (const NamedTensor& named : slots_[m].map->Tensors()) {
      if (named.tensor.requires_grad()) return true;
    }
  }
  return false;
}

at::Tensor Encoder::HiddenStates(const Batch& batch) {
  // By value: a checkpointed block runs again in backward, when the caller's
  // batch may be gone and the trainer may have named another dropout seed.
  struct Pass {
    Batch batch;
    PassState state;
  };
  const auto pass = std::make_shared<const Pass>(Pass{batch, pass_state()});
  at::Tensor x_BTD = Embed(batch);
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    StopPoint();  // a batch of an evaluation may take many seconds
    BlockFn block = [this, layer, pass](const at::Tensor& x) {
      return Block(layer, x, pass->state, pass->batch);
    };
    x_BTD = checkpointing_ && NeedsGradient(layer, x_BTD)
                ? Checkpointed(x_BTD, std::move(block))
                : block(x_BTD);
  }
  return x_BTD;
}

at::Tensor Encoder::Mapped(const HeadMap& map, const at::Tensor& x_MI) const {
  return LinearProduct(x_MI.to(compute_), map.weight_OI.to(compute_),
                       map.bias_O.to(compute_));
}

at::Tensor Encoder::HeadScores(const at::Tensor& x_MD) {
  const EncoderHead& head = *layout().FindHead(config_.head);
  at::Tensor h_MD = x_MD.to(compute_);
  if (!dense_.name.empty()) {
    h_MD = Activate(head.activation, Mapped(dense_, h_MD));
  } else if (!head.dense.empty()) {
    h_MD =
        Activate(head.activation, Pooler()->map->Forward(h_MD, pass_state()));
  }
  return Mapped(out_, h_MD).to(master_dtype());
}

void Encoder::CheckHead(const Batch& batch) const {
  TORCH_CHECK(config_.head != HeadKind::kNextToken, info_.name,
              " has no head: SetHead comes first");
  TORCH_CHECK(batch.head == config_.head, "a batch for another head than ",
              info_.name, " has");
}

at::Tensor Encoder::HeadLogits(const Batch& batch) {
  CheckHead(batch);
  const at::Tensor x_BTD = HiddenStates(batch);
  const int64_t B = x_BTD.size(0), T = x_BTD.size(1);
  const at::Tensor x_MD = x_BTD.reshape({B * T, config_.width});
  if (config_.head == HeadKind::kSequence) {
    return HeadScores(
        x_MD.index_select(0, Indices(FirstTokens(batch), device())));
  }
  return HeadScores(x_MD).view({B, T, -1});
}

LossOutput Encoder::SumLoss(const Batch& batch) {
  CheckHead(batch);
  const at::Tensor label_M = batch.labels_BT.to(device()).reshape({-1});
  const at::Tensor target_M = label_M.ne(kNoLoss).nonzero().squeeze(1);
  LossOutput out;
  out.target_tokens = target_M.numel();
  const at::Tensor x_MD = HiddenStates(batch).reshape({-1, config_.width});
  if (out.target_tokens == 0) {
    out.loss_sum = x_MD.index_select(0, target_M).sum();  // differentiable
    return out;
  }
  if (config_.head != HeadKind::kSpan) {
    // The class of a sequence is the label of its first token.
    out.loss_sum = CrossEntropySum(HeadScores(x_MD.index_select(0, target_M)),
                                   label_M.index_select(0, target_M));
    return out;
  }
  // Among the tokens of each sequence, one is the first and one the last.
  const at::Tensor scores_M2 = HeadScores(x_MD);
  const std::vector<int64_t> firsts = FirstTokens(batch);
  TORCH_CHECK(firsts.size() == batch.lengths.size(), "a batch of ",
              firsts.size(), " sequences with ", batch.lengths.size(),
              " lengths");
  for (size_t p = 0; p < firsts.size(); ++p) {
    const int64_t length = batch.lengths[p];
    TORCH_CHECK(length > 1, "a span needs two tokens");
    const at::Tensor sum =
        CrossEntropySum(scores_M2.narrow(0, firsts[p], length).t(),
                        label_M.narrow(0, firsts[p], 2));
    out.loss_sum = out.loss_sum.defined() ? out.loss_sum.add(sum) : sum;
  }
  return out;
}

at::Tensor Encoder::Logits(const at::Tensor&) {
  TORCH_CHECK(false, info_.name, " is an encoder: it predicts no next tokens");
}

std::vector<std::vector<int32_t>> Encoder::Generate(
    const std::vector<std::vector<int32_t>>&, const GenerationOptions&) {
  TORCH_CHECK(false, info_.name,
              " is an encoder and writes no text: use a decoder to generate");
}

}  // namespace sft::model
