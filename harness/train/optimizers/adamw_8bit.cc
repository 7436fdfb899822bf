#include "harness/train/optimizers/adamw_8bit.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include <string>
#include <utility>

namespace sft::train {
namespace {

bool IsSmall(const TrainableParameter& p) {
  return p.tensor.numel() < kernels::kAdam8SmallestSize;
}

std::vector<TrainableParameter> SmallOnes(
    const std::vector<TrainableParameter>& parameters) {
  std::vector<TrainableParameter> small;
  for (const TrainableParameter& p : parameters) {
    if (IsSmall(p)) small.push_back(p);
  }
  return small;
}

}  // namespace

AdamW8bit::AdamW8bit(std::vector<TrainableParameter> parameters,
                     const AdamWOptions& options)
    : Optimizer(std::move(parameters)),
      small_until_{0},
      small_(SmallOnes(this->parameters()), options),
      options_(options) {
  for (size_t i = 0; i < this->parameters().size(); ++i) {
    const TrainableParameter& p = this->parameters()[i];
    TORCH_CHECK(p.tensor.scalar_type() == at::kFloat, "trainable parameter ",
                p.name, ": 8-bit moments are of f32 weights");
    if (!IsSmall(p)) {
      large_.push_back(
          {i, kernels::ZeroAdam8Tensors(p.tensor), at::zeros({}, at::kFloat)});
    }
    small_until_.push_back(small_until_.back() + IsSmall(p));
  }
}

void AdamW8bit::MoveRange(size_t begin, size_t end, double learning_rate) {
  small_.StepRange(small_until_[begin], small_until_[end], learning_rate);
  // Large ones before `begin`.
  for (size_t k = begin - small_until_[begin];
       k < large_.size() && large_[k].index < end; ++k) {
    const Large& large = large_[k];
    const TrainableParameter& p = parameters()[large.index];
    if (!p.tensor.grad().defined()) continue;
    large.step.add_(1);
    kernels::StepAdam8(
        p.tensor, p.tensor.grad(),
        kernels::MakeAdam8Step(learning_rate * p.learning_rate_scale,
                               p.weight_decay ? options_.weight_decay : 0.0,
                               options_.beta1, options_.beta2, options_.epsilon,
                               large.step.item<double>()),
        large.moments);
  }
}

std::vector<NamedTensor> AdamW8bit::State() const {
  std::vector<NamedTensor> state = small_.State();
  for (const Large& large : large_) {
    const std::string& name = parameters()[large.index].name;
    const kernels::Adam8Tensors& m = large.moments;
    state.push_back({name + ".exp_avg", m.exp_avg_P});
    state.push_back({name + ".exp_avg_sq", m.exp_avg_sq_P});
    state.push_back({name + ".exp_avg_absmax", m.exp_avg_absmax_Q});
    state.push_back({name + ".exp_avg_sq_absmax", m.exp_avg_sq_absmax_Q});
    state.push_back({name + ".step", large.step});
  }
  return state;
}

at::Tensor AdamW8bit::FirstMoment(size_t index) const {
  const size_t small = small_until_[index];
  if (IsSmall(parameters()[index])) return small_.FirstMoment(small);
  return kernels::DecodedExpAvg(large_[index - small].moments,
                                parameters()[index].tensor);
}

std::string AdamW8bitObjection(const spec::RunConfig& config) {
  return config.dtype == "f64" ? "wanted dtype f32 or bf16" : "";
}

int64_t AdamW8bitStateBytes(int64_t numbers, int64_t number_bytes) {
  if (numbers < kernels::kAdam8SmallestSize) {
    return AdamWStateBytes(numbers, number_bytes);
  }
  constexpr int64_t kStepBytes = sizeof(float), kAbsmaxBytes = sizeof(float);
  const int64_t blocks =
      (numbers + kernels::kAdam8BlockSize - 1) / kernels::kAdam8BlockSize;
  return kStepBytes + 2 * (numbers + kAbsmaxBytes * blocks);
}

absl::StatusOr<std::unique_ptr<Optimizer>> MakeAdamW8bit(
    const spec::RunConfig& config, std::vector<TrainableParameter> parameters) {
  for (const TrainableParameter& p : parameters) {
    if (p.tensor.scalar_type() != at::kFloat) {
      return absl::InvalidArgumentError(
          "optimizer adamw_8bit: the weights are f64, wanted f32");
    }
  }
  return std::make_unique<AdamW8bit>(std::move(parameters),
                                     AdamWOptionsOf(config));
}

}  // namespace sft::train
