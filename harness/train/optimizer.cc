#include "harness/train/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/tensor_allocator.h"

namespace sft {
namespace {

// Sum of squares in double. Chunks are fixed, so that the number of threads
// does not change the order of the sum.
template <class T>
double SumOfSquares(const T* data, int64_t size) {
  constexpr int64_t kChunk = 1 << 16;
  constexpr int64_t kLanes = 8;
  const int64_t chunks = (size + kChunk - 1) / kChunk;
  std::vector<double> partial(static_cast<size_t>(chunks));
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const T* at = data + c * kChunk;
      const int64_t n = std::min(kChunk, size - c * kChunk);
      double lane[kLanes] = {};
      int64_t i = 0;
      for (; i + kLanes <= n; i += kLanes) {
        for (int64_t j = 0; j < kLanes; ++j) {
          const double x = static_cast<double>(at[i + j]);
          lane[j] += x * x;
        }
      }
      double sum = 0;
      for (; i < n; ++i) {
        const double x = static_cast<double>(at[i]);
        sum += x * x;
      }
      for (double part : lane) sum += part;
      partial[static_cast<size_t>(c)] = sum;
    }
  });
  double sum = 0;
  for (double part : partial) sum += part;
  return sum;
}

double SumOfSquares(const at::Tensor& tensor) {
  if (tensor.is_cpu() && tensor.scalar_type() == at::kFloat) {
    const at::Tensor dense = tensor.contiguous();
    return SumOfSquares(dense.const_data_ptr<float>(), dense.numel());
  }
  if (tensor.is_cpu() && tensor.scalar_type() == at::kDouble) {
    const at::Tensor dense = tensor.contiguous();
    return SumOfSquares(dense.const_data_ptr<double>(), dense.numel());
  }
  TORCH_CHECK(false, "a gradient on CPU is f32 or f64");
}

// On a device: one value comes back, whatever the number of tensors.
double DeviceNorm(const std::vector<at::Tensor>& grads) {
  std::vector<at::Tensor> norms = at::_foreach_norm(grads, 2);
  return at::linalg_vector_norm(at::stack(norms).to(at::kDouble), 2)
      .item<double>();
}

}  // namespace

AdamW::AdamW(std::vector<TrainableParameter> parameters,
             const AdamWOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
  c10::NoGradGuard no_grad;
  fused_ = !options_.force_reference;
  for (const TrainableParameter& p : parameters_) {
    TORCH_CHECK(
        p.tensor.defined() && p.tensor.is_leaf() && p.tensor.requires_grad(),
        "trainable parameter ", p.name, " must be a leaf that requires grad");
    TORCH_CHECK(p.tensor.scalar_type() == at::kFloat ||
                    p.tensor.scalar_type() == at::kDouble,
                "trainable parameter ", p.name, " is neither f32 nor f64");
    if (p.tensor.scalar_type() != at::kFloat) fused_ = false;
    moments_.push_back({ZerosLike(p.tensor), ZerosLike(p.tensor),
                        at::zeros({}, p.tensor.options().dtype(at::kFloat))});
  }
  dropped_.assign(parameters_.size(), 0);
}

void AdamW::Step(double learning_rate) {
  StepRange(0, parameters_.size(), learning_rate);
}

void AdamW::StepRange(size_t begin, size_t end, double learning_rate) {
  c10::NoGradGuard no_grad;
  if (fused_) {
    FusedStep(begin, end, learning_rate);
  } else {
    ReferenceStep(begin, end, learning_rate);
  }
}

void AdamW::StepAndDrop(size_t index, double learning_rate) {
  at::Tensor& grad = parameters_[index].tensor.mutable_grad();
  if (!grad.defined()) return;
  dropped_[index] = SumOfSquares(grad);
  if (std::isfinite(dropped_[index])) {
    StepRange(index, index + 1, learning_rate);
  }
  grad = at::Tensor();
}

void AdamW::FusedStep(size_t begin, size_t end, double learning_rate) {
  struct Group {
    std::vector<at::Tensor> weights, grads, exp_avgs, exp_avg_sqs, steps;
  };
  // The operator takes one rate and one decay a call.
  std::map<std::pair<double, bool>, Group> groups;
  for (size_t i = begin; i < end; ++i) {
    const TrainableParameter& p = parameters_[i];
    if (!p.tensor.grad().defined()) continue;
    Group& group = groups[{p.learning_rate_scale, p.weight_decay}];
    moments_[i].step.add_(1);
    group.weights.push_back(p.tensor);
    group.grads.push_back(p.tensor.grad());
    group.exp_avgs.push_back(moments_[i].exp_avg);
    group.exp_avg_sqs.push_back(moments_[i].exp_avg_sq);
    group.steps.push_back(moments_[i].step);
  }
  for (auto& [key, group] : groups) {
    at::_fused_adamw_(group.weights, group.grads, group.exp_avgs,
                      group.exp_avg_sqs, /*max_exp_avg_sqs=*/{}, group.steps,
                      learning_rate * key.first, options_.beta1, options_.beta2,
                      key.second ? options_.weight_decay : 0.0,
                      options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }
}

void AdamW::ReferenceStep(size_t begin, size_t end, double learning_rate) {
  for (size_t i = begin; i < end; ++i) {
    TrainableParameter& p = parameters_[i];
    const at::Tensor& grad = p.tensor.grad();
    if (!grad.defined()) continue;
    Moments& m = moments_[i];
    m.step.add_(1);
    const double t = m.step.item<double>();
    const double rate = learning_rate * p.learning_rate_scale;
    if (p.weight_decay && options_.weight_decay != 0) {
      p.tensor.mul_(1.0 - rate * options_.weight_decay);
    }
    m.exp_avg.mul_(options_.beta1).add_(grad, 1.0 - options_.beta1);
    m.exp_avg_sq.mul_(options_.beta2)
        .addcmul_(grad, grad, 1.0 - options_.beta2);
    const double correction1 = 1.0 - std::pow(options_.beta1, t);
    const double correction2 = 1.0 - std::pow(options_.beta2, t);
    const at::Tensor denominator =
        m.exp_avg_sq.sqrt().div_(std::sqrt(correction2)).add_(options_.epsilon);
    p.tensor.addcdiv_(m.exp_avg, denominator, -rate / correction1);
  }
}

void AdamW::DropGradients() {
  for (TrainableParameter& p : parameters_) {
    p.tensor.mutable_grad() = at::Tensor();
  }
  dropped_.assign(parameters_.size(), 0);
}

double AdamW::GradNorm() const {
  double sum = 0;
  std::vector<at::Tensor> on_device;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& grad = parameters_[i].tensor.grad();
    if (grad.defined() && !grad.is_cpu()) {
      on_device.push_back(grad);
    } else {
      sum += grad.defined() ? SumOfSquares(grad) : dropped_[i];
    }
  }
  return on_device.empty() ? std::sqrt(sum) : DeviceNorm(on_device);
}

void AdamW::ClipGradients(double norm, double max_norm) {
  const double scale = std::min(1.0, max_norm / (norm + 1e-6));
  if (scale >= 1.0) return;
  c10::NoGradGuard no_grad;
  for (TrainableParameter& p : parameters_) {
    if (p.tensor.grad().defined()) p.tensor.mutable_grad().mul_(scale);
  }
}

std::vector<NamedTensor> AdamW::State() const {
  std::vector<NamedTensor> state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].name;
    state.push_back({name + ".exp_avg", moments_[i].exp_avg});
    state.push_back({name + ".exp_avg_sq", moments_[i].exp_avg_sq});
    state.push_back({name + ".step", moments_[i].step});
  }
  return state;
}

absl::Status AdamW::LoadState(const std::vector<NamedTensor>& state) {
  std::map<std::string, at::Tensor> by_name;
  for (const NamedTensor& named : state) by_name[named.name] = named.tensor;
  const std::vector<NamedTensor> own = State();
  if (by_name.size() != own.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("optimizer state holds ", by_name.size(),
                     " tensors; wanted ", own.size()));
  }
  for (const NamedTensor& mine : own) {
    auto it = by_name.find(mine.name);
    if (it == by_name.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("optimizer state lacks ", mine.name));
    }
    if (it->second.sizes() != mine.tensor.sizes() ||
        it->second.scalar_type() != mine.tensor.scalar_type()) {
      return absl::InvalidArgumentError(
          absl::StrCat("optimizer state: ", mine.name,
                       " has another shape or type than the parameter"));
    }
  }
  c10::NoGradGuard no_grad;
  for (const NamedTensor& mine : own) mine.tensor.copy_(by_name[mine.name]);
  return absl::OkStatus();
}

int64_t AdamW::StateBytes() const {
  int64_t bytes = 0;
  for (const NamedTensor& named : State()) {
    bytes += static_cast<int64_t>(named.tensor.nbytes());
  }
  return bytes;
}

int64_t AdamW::trainable_parameters() const {
  int64_t count = 0;
  for (const TrainableParameter& p : parameters_) count += p.tensor.numel();
  return count;
}

}  // namespace sft
