#include "harness/train/optimizers/adamw_paged.h"

#include <ATen/ATen.h>

#include <utility>

#include "harness/core/tensor_allocator.h"
#include "harness/kernels/adam8/adam_paged.h"

namespace sft::train {
namespace {

constexpr int64_t kSmallestPaged = 100'000;  // elements

at::Tensor Moment(const at::Tensor& like) {
  return kernels::CanPage(like.device()) && like.numel() >= kSmallestPaged
             ? kernels::PagedZerosLike(like)
             : ZerosLike(like);
}

}  // namespace

AdamWPaged::AdamWPaged(std::vector<TrainableParameter> parameters,
                       const AdamWOptions& options)
    : AdamW(std::move(parameters), options, Moment) {}

void AdamWPaged::Prefetch(size_t index) const {
  const TrainableParameter& p = parameters()[index];
  if (!p.tensor.grad().defined() || p.tensor.numel() < kSmallestPaged ||
      !kernels::CanPage(p.tensor.device())) {
    return;
  }
  kernels::PrefetchPaged(moments()[index].exp_avg);
  kernels::PrefetchPaged(moments()[index].exp_avg_sq);
}

void AdamWPaged::MoveRange(size_t begin, size_t end, double learning_rate) {
  // All tensors of a model are on one device.
  if (begin == end || !kernels::CanPage(parameters()[begin].tensor.device())) {
    return AdamW::MoveRange(begin, end, learning_rate);
  }
  Prefetch(begin);
  for (size_t i = begin; i < end; ++i) {
    if (i + 1 < end) Prefetch(i + 1);
    AdamW::MoveRange(i, i + 1, learning_rate);
  }
}

}  // namespace sft::train
