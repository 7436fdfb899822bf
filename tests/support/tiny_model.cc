#include "tests/support/tiny_model.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "harness/core/rng.h"

namespace sft::support {
namespace {

constexpr int64_t kVocabulary = 23;
constexpr int64_t kWidth = 12;
constexpr char kSlot[] = "model.layers.0.mlp.up_proj";

at::Tensor Drawn(at::IntArrayRef shape, int64_t seed, const std::string& name,
                 double scale, double mean, at::ScalarType dtype) {
  at::Tensor values = at::empty(shape, at::kDouble);
  Rng rng(static_cast<uint64_t>(seed), Stream::kInit, name);
  double* at = values.data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    at[i] = mean + scale * rng.Normal();
  }
  return values.to(dtype).set_requires_grad(true);
}

}  // namespace

TinyModel::TinyModel(int64_t seed, at::ScalarType dtype, double dropout)
    : dtype_(dtype), dropout_(dropout) {
  info_.family = "tiny";
  info_.name = "tiny";
  info_.layers = 1;
  info_.width = kWidth;
  info_.vocabulary = kVocabulary;
  embedding_VD_ = Drawn({kVocabulary, kWidth}, seed, "embedding", 1, 0, dtype);
  norm_D_ = Drawn({kWidth}, seed, "norm", 0.1, 1, dtype);
  head_VD_ = Drawn({kVocabulary, kWidth}, seed, "head", 0.5, 0, dtype);
  model::LinearSlot slot;
  slot.name = kSlot;
  slot.layer = 0;
  slot.role = model::Role::kUp;
  slot.in_features = kWidth;
  slot.out_features = kWidth;
  slot.map = std::make_unique<TinyLinear>(
      Drawn({kWidth, kWidth}, seed, "map", 0.5, 0, dtype));
  slots_.push_back(std::move(slot));
  for (const model::Parameter& p : Parameters())
    info_.parameters += p.tensor.numel();
}

std::vector<model::Parameter> TinyModel::Parameters() {
  return {
      {"model.embed_tokens.weight", -1, model::Role::kEmbedding, embedding_VD_},
      {std::string(kSlot) + ".weight", 0, model::Role::kUp,
       slots_[0].map->Tensors()[0].tensor},
      {"model.norm.weight", -1, model::Role::kNorm, norm_D_},
      {"lm_head.weight", -1, model::Role::kHead, head_VD_}};
}

model::PassMatrices TinyModel::Matrices() {
  return {.blocks = slots_[0].map->Matrices(),
          .head = {{kWidth, kVocabulary, head_VD_.requires_grad()}}};
}

at::Tensor TinyModel::HiddenStates(const Batch& batch) {
  at::Tensor x_BTD = at::embedding(embedding_VD_, batch.input_ids_BT);
  at::Tensor h_BTD =
      at::tanh(slots_[0].map->Forward(x_BTD, pass_state())) * norm_D_;
  if (dropout_ > 0 && pass_state().training) {
    at::Tensor keep = at::ones_like(h_BTD);
    Rng rng(pass_state().dropout_seed, Stream::kDropout);
    for (int64_t b = 0; b < keep.numel(); ++b) {
      if (rng.Uniform() < dropout_) keep.view(-1)[b].zero_();
    }
    h_BTD = h_BTD * keep;
  }
  return h_BTD;
}

at::Tensor TinyModel::Logits(const at::Tensor& h_MD) {
  return at::matmul(h_MD, head_VD_.t());
}

model::LossOutput TinyModel::SumLoss(const Batch& batch) {
  const at::Tensor h_BTD = HiddenStates(batch);
  const int64_t width = batch.input_ids_BT.size(1);
  const at::Tensor labels =
      batch.labels_BT.narrow(1, 1, width - 1).reshape({-1});
  const at::Tensor h_MD = h_BTD.narrow(1, 0, width - 1).reshape({-1, kWidth});
  const at::Tensor targets = labels.ne(kNoLoss).nonzero().squeeze(1);
  const at::Tensor logits = Logits(h_MD.index_select(0, targets));
  model::LossOutput out;
  out.loss_sum = at::cross_entropy_loss(logits, labels.index_select(0, targets),
                                        {}, at::Reduction::Sum);
  out.target_tokens = targets.numel();
  return out;
}

std::vector<std::vector<int32_t>> TinyModel::Generate(
    const std::vector<std::vector<int32_t>>& prompts,
    const model::GenerationOptions&) {
  return std::vector<std::vector<int32_t>>(prompts.size());
}

std::vector<NamedTensor> TinyModel::DenseState() {
  std::vector<NamedTensor> state;
  for (const model::Parameter& p : Parameters()) {
    state.push_back({p.name, p.tensor.detach()});
  }
  return state;
}

at::Tensor TinyLinear::Forward(const at::Tensor& x, const model::PassState&) {
  return at::matmul(x, weight_OI_.t());
}
at::Tensor TinyLinear::DenseWeight() const { return weight_OI_.detach(); }
std::vector<model::MatrixShape> TinyLinear::Matrices() const {
  return {{weight_OI_.size(1), weight_OI_.size(0), weight_OI_.requires_grad()}};
}
std::vector<NamedTensor> TinyLinear::Tensors() const {
  return {{"weight", weight_OI_}};
}
std::vector<std::pair<std::string, int64_t>> TinyLinear::BytesByCategory()
    const {
  return {{"weights", static_cast<int64_t>(weight_OI_.nbytes())}};
}

std::vector<Example> TinyExamples(int64_t rows, int64_t seed) {
  std::vector<Example> examples;
  Rng rng(static_cast<uint64_t>(seed), Stream::kBootstrap, "tiny examples");
  for (int64_t row = 0; row < rows; ++row) {
    Example example;
    example.row_id = 100 + row;
    const int64_t length = 4 + static_cast<int64_t>(rng.Below(9));
    for (int64_t t = 0; t < length; ++t) {
      const auto id = static_cast<int32_t>(rng.Below(kVocabulary));
      example.input_ids.push_back(id);
      example.labels.push_back(t < length / 2 ? kNoLoss : id);
    }
    examples.push_back(std::move(example));
  }
  return examples;
}

std::vector<data::MicroBatchPlan> PlainCollator::PlanPass(
    const std::vector<Example>& examples, const std::vector<int64_t>& order,
    Rng&) const {
  std::vector<data::MicroBatchPlan> plans;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i % static_cast<size_t>(batch_size_) == 0) plans.emplace_back();
    const Example& example = examples[static_cast<size_t>(order[i])];
    plans.back().pieces.push_back(
        {order[i], 0, static_cast<int64_t>(example.input_ids.size())});
  }
  return plans;
}

Batch PlainCollator::Collate(const std::vector<Example>& examples,
                             const data::MicroBatchPlan& plan) const {
  return flat_ ? data::FlatBatch(examples, plan.pieces)
               : data::PaddedBatch(examples, plan.pieces, 0, 0);
}

}  // namespace sft::support
