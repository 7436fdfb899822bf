#include "harness/train/optimizers/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "harness/core/status.h"

namespace sft::train {
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

Optimizer::Optimizer(std::vector<TrainableParameter> parameters)
    : parameters_(std::move(parameters)), dropped_(parameters_.size(), 0) {
  for (const TrainableParameter& p : parameters_) {
    TORCH_CHECK(
        p.tensor.defined() && p.tensor.is_leaf() && p.tensor.requires_grad(),
        "trainable parameter ", p.name, " must be a leaf that requires grad");
    TORCH_CHECK(p.tensor.scalar_type() == at::kFloat ||
                    p.tensor.scalar_type() == at::kDouble,
                "trainable parameter ", p.name, " is neither f32 nor f64");
  }
}

void Optimizer::StepRange(size_t begin, size_t end, double learning_rate) {
  c10::NoGradGuard no_grad;
  MoveRange(begin, end, learning_rate);
}

void Optimizer::StepAndDrop(size_t index, double learning_rate) {
  at::Tensor& grad = parameters_[index].tensor.mutable_grad();
  if (!grad.defined()) return;
  dropped_[index] = SumOfSquares(grad);
  if (std::isfinite(dropped_[index])) {
    StepRange(index, index + 1, learning_rate);
  }
  grad = at::Tensor();
}

void Optimizer::DropGradients() {
  for (TrainableParameter& p : parameters_) {
    p.tensor.mutable_grad() = at::Tensor();
  }
  dropped_.assign(parameters_.size(), 0);
}

double Optimizer::GradNorm() const {
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

void Optimizer::ClipGradients(double norm, double max_norm) {
  const double scale = std::min(1.0, max_norm / (norm + 1e-6));
  if (scale >= 1.0) return;
  c10::NoGradGuard no_grad;
  std::vector<at::Tensor> on_device;  // where launches cost more than work
  for (TrainableParameter& p : parameters_) {
    at::Tensor& grad = p.tensor.mutable_grad();
    if (!grad.defined()) continue;
    if (grad.is_cpu()) {
      grad.mul_(scale);
    } else {
      on_device.push_back(grad);
    }
  }
  if (!on_device.empty()) at::_foreach_mul_(on_device, scale);
}

void Optimizer::KeepState(const std::vector<NamedTensor>& before) {
  std::map<std::string, at::Tensor> by_name;
  for (const NamedTensor& named : before) by_name[named.name] = named.tensor;
  c10::NoGradGuard no_grad;
  for (const NamedTensor& mine : State()) {
    const auto it = by_name.find(mine.name);
    if (it != by_name.end()) mine.tensor.copy_(it->second);
  }
}

absl::Status Optimizer::LoadState(const std::vector<NamedTensor>& state) {
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

int64_t Optimizer::StateBytes() const {
  int64_t bytes = 0;
  for (const NamedTensor& named : State()) {
    bytes += static_cast<int64_t>(named.tensor.nbytes());
  }
  return bytes;
}

int64_t Optimizer::trainable_parameters() const {
  int64_t count = 0;
  for (const TrainableParameter& p : parameters_) count += p.tensor.numel();
  return count;
}

}  // namespace sft::train
