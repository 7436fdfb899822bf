// What an encoder computes: embeddings, blocks, heads, losses.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/core/stop_point.h"
#include "harness/kernels/attention/relative_attention.h"
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

// transformers' BCEWithLogitsLoss and MSELoss, times the number of rows.
at::Tensor LossOfValues(HeadKind head, const at::Tensor& scores_RC,
                        const at::Tensor& values_RC) {
  const at::Tensor wanted_RC = values_RC.to(scores_RC.scalar_type());
  const at::Tensor loss_RC = head == HeadKind::kLabels
                                 ? at::binary_cross_entropy_with_logits(
                                       scores_RC, wanted_RC, /*weight=*/{},
                                       /*pos_weight=*/{}, at::Reduction::None)
                                 : scores_RC.sub(wanted_RC).square();
  return loss_RC.mean(1).sum();
}

}  // namespace

void Encoder::CheckLength(const Batch& batch) const {
  int64_t longest = 0;
  for (int64_t length : batch.lengths) longest = std::max(longest, length);
  TORCH_CHECK(longest <= config_.max_positions(), "a row of ", longest,
              " tokens is longer than the ", config_.max_positions(),
              " positions of ", info_.name);
}

at::Tensor Encoder::Positions(const Batch& batch) const {
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
  CheckLength(batch);
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
  if (positions_PD_.defined()) {
    const int64_t position_pad = config_.positions_skip_pad ? pad : -1;
    x_BTD =
        x_BTD.add(at::embedding(positions_PD_, Positions(batch), position_pad));
  }
  x_BTD =
      AddEmbeddingNoise(Normed(embedding_norm_, x_BTD), batch, pass_state());
  if (!config_.projects()) return x_BTD;
  const LinearSlot& slot = slots_[config_.layers * layout().maps.size()];
  return slot.map->Forward(x_BTD.to(compute_), pass_state()).to(master_dtype());
}

at::Tensor Encoder::Normed(const NormWeights& norm, const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, norm.weight_D, norm.bias_D,
                        config_.norm_epsilon);
}

LinearSlot& Encoder::SlotOf(int64_t layer, Role role) {
  const int64_t index = layout().MapIndex(role);
  return slots_[layer * std::ssize(layout().maps) + index];
}

// What attention adds to the residual stream, in the compute dtype.
at::Tensor Encoder::Attended(int64_t layer, const at::Tensor& h_BTD,
                             const Pass& pass) {
  const int64_t B = h_BTD.size(0), T = h_BTD.size(1);
  const auto map = [&](Role role, const at::Tensor& x) {
    return SlotOf(layer, role).map->Forward(x, pass.state);
  };
  const auto heads = [&](const at::Tensor& x_BTA) {
    return x_BTA
        .view(
            {x_BTA.size(0), x_BTA.size(1), config_.heads, config_.head_width()})
        .transpose(1, 2);
  };
  at::Tensor q, k, v;
  if (layout().MapIndex(Role::kQkv) >= 0) {
    const at::Tensor qkv_BT3D = map(Role::kQkv, h_BTD);
    const auto part = [&](int64_t i) {
      return qkv_BT3D.narrow(2, i * config_.width, config_.width)
          .unflatten(2, {config_.heads, config_.head_width()})
          .transpose(1, 2);
    };
    q = part(0);
    k = part(1);
    v = part(2);
  } else {
    q = heads(map(Role::kQuery, h_BTD));
    k = heads(map(Role::kKey, h_BTD));
    v = heads(map(Role::kValue, h_BTD));
  }
  if (layout().rotates()) {
    const RotaryTable& angles =
        config_.windowed[layer] ? pass.window_angles : pass.angles;
    q = Rotate(q, angles);
    k = Rotate(k, angles);
  }
  const auto head_width = static_cast<double>(config_.head_width());
  at::Tensor seen_BNTH;
  if (distances_SD_.defined()) {
    const at::Tensor table_1SD =
        Normed(distances_norm_, distances_SD_).to(compute_).unsqueeze(0);
    const auto of_table = [&](Role role) {
      return heads(map(role, table_1SD)).squeeze(0);
    };
    // Three products make a score.
    seen_BNTH = kernels::RelativeAttention(
        q, k, v, of_table(Role::kKey), of_table(Role::kQuery),
        pass.distance_rows_TT, pass.batch, 1 / std::sqrt(3 * head_width));
  } else {
    seen_BNTH = attention_[layer].attend(q, k, v, pass.batch,
                                         1 / std::sqrt(head_width));
  }
  return map(Role::kOutput,
             seen_BNTH.transpose(1, 2).reshape({B, T, config_.width}));
}

// The same of the feed-forward.
at::Tensor Encoder::FedForward(int64_t layer, const at::Tensor& h_BTD,
                               const Pass& pass) {
  const auto map = [&](Role role, const at::Tensor& x) {
    return SlotOf(layer, role).map->Forward(x, pass.state);
  };
  if (layout().MapIndex(Role::kGateUp) < 0) {
    return map(Role::kDown,
               Activate(config_.activation, map(Role::kUp, h_BTD)));
  }
  const std::vector<at::Tensor> halves = map(Role::kGateUp, h_BTD).chunk(2, -1);
  return map(Role::kDown,
             Activate(config_.activation, halves[0]).mul(halves[1]));
}

at::Tensor Encoder::Block(int64_t layer, const at::Tensor& x_BTD,
                          const Pass& pass) {
  const NormWeights& attention_norm = norms_[layer * 2];
  const NormWeights& feedforward_norm = norms_[layer * 2 + 1];
  const auto added = [&](const at::Tensor& x, const at::Tensor& branch) {
    return x.add(branch.to(master_dtype()));
  };
  if (layout().pre_norm) {
    const at::Tensor h_BTD = layout().HasAttentionNorm(layer)
                                 ? Normed(attention_norm, x_BTD)
                                 : x_BTD;
    const at::Tensor mid_BTD =
        added(x_BTD, Attended(layer, h_BTD.to(compute_), pass));
    return added(
        mid_BTD,
        FedForward(layer, Normed(feedforward_norm, mid_BTD).to(compute_),
                   pass));
  }
  const at::Tensor mid_BTD = Normed(
      attention_norm, added(x_BTD, Attended(layer, x_BTD.to(compute_), pass)));
  return Normed(feedforward_norm,
                added(mid_BTD, FedForward(layer, mid_BTD.to(compute_), pass)));
}

bool Encoder::NeedsGradient(int64_t layer, const at::Tensor& x_BTD) const {
  if (!c10::GradMode::is_enabled()) return false;
  if (x_BTD.requires_grad()) return true;
  const auto trains = [](const at::Tensor& t) {
    return t.defined() && t.requires_grad();
  };
  for (const NormWeights* norm :
       {&norms_[layer * 2], &norms_[layer * 2 + 1], &distances_norm_}) {
    if (trains(norm->weight_D) || trains(norm->bias_D)) return true;
  }
  if (trains(distances_SD_)) return true;
  const size_t maps = layout().maps.size();
  for (size_t m = layer * maps; m < (layer + 1) * maps; ++m) {
    for (const NamedTensor& named : slots_[m].map->Tensors()) {
      if (named.tensor.requires_grad()) return true;
    }
  }
  return false;
}

std::shared_ptr<const Encoder::Pass> Encoder::MakePass(const Batch& batch) {
  auto pass = std::make_shared<Pass>();
  pass->batch = batch;
  pass->state = pass_state();
  const EncoderConfig& c = config_;
  if (layout().rotates()) {
    const at::Tensor position_BT = batch.position_ids_BT.to(device());
    for (const auto& [theta, table] :
         {std::pair(c.theta, &pass->angles),
          std::pair(c.window_theta, &pass->window_angles)}) {
      *table =
          MakeRotaryTable(position_BT, c.head_width(), theta, master_dtype());
    }
  }
  if (distances_SD_.defined()) {
    pass->distance_rows_TT = kernels::DistanceRows(
        batch.cu_seqlens.defined()
            ? *std::max_element(batch.lengths.begin(), batch.lengths.end())
            : batch.input_ids_BT.size(1),
        c.buckets, c.max_distance, device());
  }
  return pass;
}

at::Tensor Encoder::HiddenStates(const Batch& batch) {
  // By value: a checkpointed block runs again in backward, when the caller's
  // batch may be gone and the trainer may have named another dropout seed.
  const std::shared_ptr<const Pass> pass = MakePass(batch);
  at::Tensor x_BTD = Embed(batch);
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    StopPoint();  // a batch of an evaluation may take many seconds
    BlockFn block = [this, layer, pass](const at::Tensor& x) {
      return Block(layer, x, *pass);
    };
    x_BTD = checkpointing_ && NeedsGradient(layer, x_BTD)
                ? Checkpointed(x_BTD, std::move(block))
                : block(x_BTD);
  }
  return final_norm_.weight_D.defined() ? Normed(final_norm_, x_BTD) : x_BTD;
}

at::Tensor Encoder::RowStates(const at::Tensor& x_BTD,
                              const Batch& batch) const {
  const at::Tensor x_MD = x_BTD.reshape({-1, config_.width});
  const std::vector<int64_t> firsts = FirstTokens(batch);
  if (!config_.mean_pooling) {
    return x_MD.index_select(0, Indices(firsts, device()));
  }
  TORCH_CHECK(firsts.size() == batch.lengths.size(), "a batch of ",
              firsts.size(), " sequences with ", batch.lengths.size(),
              " lengths");
  std::vector<at::Tensor> means;
  for (size_t p = 0; p < firsts.size(); ++p) {
    means.push_back(x_MD.narrow(0, firsts[p], batch.lengths[p]).mean(0));
  }
  return at::stack(means);
}

at::Tensor Encoder::Mapped(const HeadMap& map, const at::Tensor& x_MI) const {
  return LinearProduct(
      x_MI.to(compute_), map.weight_OI.to(compute_),
      map.bias_O.defined() ? map.bias_O.to(compute_) : at::Tensor());
}

at::Tensor Encoder::HeadScores(const at::Tensor& x_MD) {
  const EncoderHead& head = *layout().FindHead(config_.head);
  at::Tensor h_MD = x_MD.to(compute_);
  if (!head.dense.empty()) {
    h_MD = Activate(config_.head_activation.value_or(head.activation),
                    dense_.name.empty()
                        ? Pooler()->map->Forward(h_MD, pass_state())
                        : Mapped(dense_, h_MD));
    if (head.dense == layout().pooler && pooler_norm_.weight_D.defined()) {
      h_MD = Normed(pooler_norm_, h_MD.to(master_dtype())).to(compute_);
    }
  }
  return Mapped(out_, h_MD).to(master_dtype());
}

void Encoder::CheckHead(const Batch& batch) const {
  TORCH_CHECK(config_.head != HeadKind::kNextToken, info_.name,
              " has no head: SetHead comes first");
  TORCH_CHECK(batch.head == config_.head, "a batch for another head than ",
              info_.name, " has");
  TORCH_CHECK(!batch.values_PC.defined() ||
                  batch.values_PC.size(1) == std::ssize(config_.labels),
              "a batch of ", batch.values_PC.size(1), " values a row, ",
              info_.name, " gives ", config_.labels.size());
}

at::Tensor Encoder::HeadLogits(const Batch& batch) {
  CheckHead(batch);
  const at::Tensor x_BTD = HiddenStates(batch);
  const int64_t B = x_BTD.size(0), T = x_BTD.size(1);
  if (ReadsRows(config_.head)) {
    return HeadScores(RowStates(x_BTD, batch));
  }
  return HeadScores(x_BTD.reshape({B * T, config_.width})).view({B, T, -1});
}

LossOutput Encoder::SumLoss(const Batch& batch) {
  CheckHead(batch);
  const at::Tensor label_M = batch.labels_BT.to(device()).reshape({-1});
  const at::Tensor target_M = label_M.ne(kNoLoss).nonzero().squeeze(1);
  LossOutput out;
  out.target_tokens = target_M.numel();
  const at::Tensor x_BTD = HiddenStates(batch);
  const at::Tensor x_MD = x_BTD.reshape({-1, config_.width});
  if (out.target_tokens == 0) {
    out.loss_sum = x_MD.index_select(0, target_M).sum();  // differentiable
    return out;
  }
  if (ReadsRows(config_.head) &&
      (config_.mean_pooling || config_.head != HeadKind::kSequence)) {
    const at::Tensor label_P =
        label_M.index_select(0, Indices(FirstTokens(batch), device()));
    const at::Tensor row_R = label_P.ne(kNoLoss).nonzero().squeeze(1);
    const auto rows = [&row_R](const at::Tensor& of_all) {
      return of_all.index_select(0, row_R);
    };
    const at::Tensor scores_RC = HeadScores(rows(RowStates(x_BTD, batch)));
    out.loss_sum = config_.head == HeadKind::kSequence
                       ? CrossEntropySum(scores_RC, rows(label_P))
                       : LossOfValues(config_.head, scores_RC,
                                      rows(batch.values_PC.to(device())));
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
