#include "methods/lisa.h"

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "harness/core/rng.h"
#include "methods/parameter_counts.h"

namespace sft::methods {
namespace {

constexpr char kPeriodName[] = "lisa.period";

}  // namespace

absl::Status LisaMethod::Attach(model::Model& model) {
  model_ = &model;
  std::set<int64_t> layers;
  for (const model::Parameter& p : model.Parameters()) {
    if (p.layer >= 0) layers.insert(p.layer);
  }
  layers_.assign(layers.begin(), layers.end());
  if (options_.layers > std::ssize(layers_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("lisa.layers ", options_.layers, " is above the ",
                     layers_.size(), " blocks of ", model.info().name));
  }
  return BeginRound(0);
}

absl::Status LisaMethod::BeginRound(int64_t round) {
  round_ = round;
  BeginPeriod(0);
  return absl::OkStatus();
}

bool LisaMethod::BeginStep(int64_t step) {
  const int64_t period = step / options_.interval;
  if (period == period_) return false;
  const std::set<int64_t> before = drawn_;
  BeginPeriod(period);
  return drawn_ != before;
}

std::set<int64_t> LisaMethod::DrawLayers(int64_t period) {
  Rng rng(static_cast<uint64_t>(seed_), Stream::kMethod,
          absl::StrCat("lisa.round.", round_, ".period.", period));
  std::vector<int64_t> order = layers_;
  rng.Shuffle(order);
  return {order.begin(), order.begin() + options_.layers};
}

void LisaMethod::BeginPeriod(int64_t period) {
  period_ = period;
  drawn_ = DrawLayers(period);
  for (model::Parameter& p : model_->Parameters()) {
    p.tensor.requires_grad_(Moves(p));
    if (!Moves(p)) p.tensor.mutable_grad().reset();
  }
}

std::vector<train::TrainableParameter> LisaMethod::TrainableParameters() {
  std::vector<train::TrainableParameter> out;
  for (model::Parameter& p : model_->Parameters()) {
    if (Moves(p)) out.push_back({p.name, p.tensor});
  }
  return out;
}

std::vector<train::TrainableParameter> LisaMethod::MovableParameters() {
  std::vector<train::TrainableParameter> out;
  for (model::Parameter& p : model_->Parameters()) {
    out.push_back({p.name, p.tensor});
  }
  return out;
}

std::vector<NamedTensor> LisaMethod::SaveState() {
  const std::vector<int64_t> period = {round_, period_};
  return {{kPeriodName, at::tensor(period)}};
}

absl::Status LisaMethod::LoadState(const std::vector<NamedTensor>& state) {
  for (const NamedTensor& t : state) {
    if (t.name != kPeriodName) continue;
    if (t.tensor.scalar_type() != at::kLong || t.tensor.numel() != 2) {
      return absl::InvalidArgumentError(
          absl::StrCat(kPeriodName, ": wanted a round and a draw"));
    }
    round_ = t.tensor[0].item<int64_t>();
    BeginPeriod(t.tensor[1].item<int64_t>());
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat(kPeriodName, " is not in the state"));
}

train::MethodReport LisaMethod::Report() {
  train::MethodReport report = ParameterCounts(TrainableParameters(), *model_);
  report.texts["lisa.last_layers"] = absl::StrJoin(drawn_, " ");
  return report;
}

}  // namespace sft::methods
