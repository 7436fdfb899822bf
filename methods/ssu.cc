#include "methods/ssu.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "harness/core/digest.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/collator.h"
#include "harness/model/ops/dense_linear.h"

namespace sft::methods {
namespace {

constexpr int64_t kCalibrationTokens = 2048;  // of a batch

// Stands before a map and sums the squares of what it reads.
class InputSquares : public model::LinearMap {
 public:
  InputSquares(std::unique_ptr<model::LinearMap> map, int64_t inputs,
               at::Device device)
      : map_(std::move(map)),
        squares_I_(at::zeros({inputs},
                             at::TensorOptions(at::kDouble).device(device))) {}
  at::Tensor Forward(const at::Tensor& x,
                     const model::PassState& pass) override {
    squares_I_.add_(
        x.reshape({-1, x.size(-1)}).to(at::kDouble).square().sum(0));
    return map_->Forward(x, pass);
  }
  at::Tensor DenseWeight() const override { return map_->DenseWeight(); }
  std::vector<model::MatrixShape> Matrices() const override {
    return map_->Matrices();
  }
  std::vector<NamedTensor> Tensors() const override { return map_->Tensors(); }
  std::vector<std::pair<std::string, int64_t>> BytesByCategory()
      const override {
    return map_->BytesByCategory();
  }

  at::Tensor Norm_I() const { return squares_I_.sqrt(); }
  std::unique_ptr<model::LinearMap> Release() { return std::move(map_); }

 private:
  std::unique_ptr<model::LinearMap> map_;
  at::Tensor squares_I_;
};

// Puts the counters before the maps of some slots, and takes them away again
// however the reading ends.
class Listening {
 public:
  Listening(std::vector<model::LinearSlot>& slots,
            const std::vector<size_t>& places, at::Device device)
      : slots_(slots), places_(places) {
    for (const size_t at : places_) {
      auto counter = std::make_unique<InputSquares>(
          std::move(slots_[at].map), slots_[at].in_features, device);
      counters_.push_back(counter.get());
      slots_[at].map = std::move(counter);
    }
  }
  ~Listening() {
    for (size_t i = 0; i < places_.size(); ++i) {
      slots_[places_[i]].map = counters_[i]->Release();
    }
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  at::Tensor Norm_I(size_t i) const { return counters_[i]->Norm_I(); }

 private:
  std::vector<model::LinearSlot>& slots_;
  std::vector<size_t> places_;
  std::vector<InputSquares*> counters_;  // owned by the slots
};

std::string StateName(const std::string& slot) {
  return absl::StrCat(slot, ".frozen");
}

}  // namespace

SsuMethod::SsuMethod(SsuOptions options, int64_t)
    : FullMethod(/*trains=*/true), options_(std::move(options)) {}

at::Tensor SsuMethod::Best(const at::Tensor& weight_OI,
                           const at::Tensor& norm_I) const {
  const int64_t inputs = weight_OI.size(1);
  const auto frozen = static_cast<int64_t>(
      std::floor(options_.frozen_share * static_cast<double>(inputs) + 1e-9));
  if (weight_OI.is_meta()) {  // of an outline: sizes, no values
    return at::empty({frozen}, weight_OI.options().dtype(at::kLong));
  }
  const at::Tensor score_I =
      weight_OI.detach().abs().sum(0, false, at::kDouble).mul_(norm_I);
  const at::Tensor order_I = std::get<1>(
      score_I.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true));
  return std::get<0>(order_I.narrow(0, 0, frozen).sort()).contiguous();
}

absl::Status SsuMethod::Attach(model::Model& model) {
  SFT_RETURN_IF_ERROR(FullMethod::Attach(model));
  c10::NoGradGuard no_grad;
  auto& slots = model.linear_slots();
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].layer < 0 || slots[i].role == model::Role::kHead) continue;
    auto* dense = dynamic_cast<model::DenseLinear*>(slots[i].map.get());
    if (dense == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat(slots[i].name, " holds no dense weight to begin with"));
    }
    const at::Tensor weight_OI = dense->weight_OI();
    shielded_.push_back({i, weight_OI,
                         Best(weight_OI, at::ones({weight_OI.size(1)},
                                                  weight_OI.options()
                                                      .dtype(at::kDouble)
                                                      .requires_grad(false)))});
  }
  return absl::OkStatus();
}

absl::Status SsuMethod::Calibrate(const std::vector<Example>& rows) {
  c10::NoGradGuard no_grad;
  std::vector<size_t> places;
  for (const Shielded& s : shielded_) places.push_back(s.slot);
  const Listening listening(model_->linear_slots(), places, model_->device());
  for (const Batch& batch : data::FlatBatches(rows, kCalibrationTokens)) {
    StopPoint();
    model_->HiddenStates(data::OnDevice(batch, model_->device()));
  }
  for (size_t i = 0; i < shielded_.size(); ++i) {
    shielded_[i].frozen_F = Best(shielded_[i].weight_OI, listening.Norm_I(i));
  }
  return absl::OkStatus();
}

void SsuMethod::OnGradients() {
  for (const Shielded& s : shielded_) {
    at::Tensor grad = s.weight_OI.grad();
    if (grad.defined()) grad.index_fill_(1, s.frozen_F, 0);
  }
}

void SsuMethod::Move(train::StepMoves& moves) {
  std::map<const void*, const Shielded*> by_weight;
  for (const Shielded& s : shielded_) {
    by_weight[s.weight_OI.unsafeGetTensorImpl()] = &s;
  }
  for (size_t i = 0; i < moves.parameters().size(); ++i) {
    at::Tensor weight = moves.parameters()[i].tensor;
    const auto found = by_weight.find(weight.unsafeGetTensorImpl());
    if (found == by_weight.end()) {
      moves.Move(i);
      continue;
    }
    // Decay moves what has no gradient, too.
    const at::Tensor& frozen_F = found->second->frozen_F;
    const at::Tensor before = weight.index_select(1, frozen_F);
    moves.Move(i);
    weight.index_copy_(1, frozen_F, before);
  }
}

std::vector<NamedTensor> SsuMethod::SaveState() {
  std::vector<NamedTensor> state;
  for (const Shielded& s : shielded_) {
    state.push_back(
        {StateName(model_->linear_slots()[s.slot].name), s.frozen_F});
  }
  return state;
}

absl::Status SsuMethod::LoadState(const std::vector<NamedTensor>& state) {
  std::map<std::string, at::Tensor> by_name;
  for (const NamedTensor& t : state) by_name[t.name] = t.tensor;
  for (Shielded& s : shielded_) {
    const std::string name = StateName(model_->linear_slots()[s.slot].name);
    const auto it = by_name.find(name);
    if (it == by_name.end() || it->second.scalar_type() != at::kLong ||
        it->second.sizes() != s.frozen_F.sizes()) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ": wanted ", s.frozen_F.numel(), " places of columns"));
    }
    s.frozen_F = it->second.to(s.weight_OI.device()).clone();
  }
  return absl::OkStatus();
}

int64_t SsuMethod::StateBytes() const {
  int64_t bytes = 0;
  for (const Shielded& s : shielded_) {
    bytes += static_cast<int64_t>(s.frozen_F.nbytes());
  }
  return bytes;
}

train::MethodReport SsuMethod::Report() {
  train::MethodReport report = FullMethod::Report();
  double frozen = 0;
  Sha256 digest;
  for (const Shielded& s : shielded_) {
    frozen += static_cast<double>(s.frozen_F.numel() * s.weight_OI.size(0));
    if (s.frozen_F.is_meta()) continue;
    digest.UpdateField(model_->linear_slots()[s.slot].name);
    const at::Tensor places_F = s.frozen_F.cpu().contiguous();
    digest.Update(places_F.const_data_ptr<int64_t>(), places_F.nbytes());
  }
  report.numbers["ssu.movable_share"] =
      1 - frozen / report.numbers["trainable_parameters"];
  report.texts["ssu.frozen_sha256"] = digest.Hex();
  return report;
}

}  // namespace sft::methods
