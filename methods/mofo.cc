#include "methods/mofo.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

namespace sft::methods {
namespace {

// Sizes of floats are ordered as their bits are. 16 bits at a time: which of
// the buckets holds the count-th largest, and how many are above it.
float LargestSizeOf(const float* x, int64_t n, int64_t count) {
  const auto bits_of = [](float value) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits & 0x7fffffffu;
  };
  const auto find = [&count](const std::vector<int64_t>& buckets) {
    size_t at = buckets.size() - 1;
    while (at > 0 && buckets[at] < count) count -= buckets[at--];
    return static_cast<uint32_t>(at);
  };
  std::vector<int64_t> buckets(1 << 16);
  for (int64_t i = 0; i < n; ++i) ++buckets[bits_of(x[i]) >> 16];
  const uint32_t high = find(buckets);
  std::fill(buckets.begin(), buckets.end(), 0);
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = bits_of(x[i]);
    if (bits >> 16 == high) ++buckets[bits & 0xffffu];
  }
  const uint32_t found = high << 16 | find(buckets);
  float value = 0;
  std::memcpy(&value, &found, sizeof(value));
  return value;
}

}  // namespace

double LargestSize(const at::Tensor& x, int64_t count) {
  const int64_t n = x.numel();
  TORCH_CHECK(count >= 1 && count <= n, "the ", count, "th of ", n);
  if (x.is_cpu() && x.scalar_type() == at::kFloat && x.is_contiguous()) {
    return LargestSizeOf(x.const_data_ptr<float>(), n, count);
  }
  return std::get<0>(x.abs().flatten().kthvalue(n - count + 1)).item<double>();
}

void MofoMethod::Move(train::StepMoves& moves) {
  moved_ = all_ = 0;
  for (size_t i = 0; i < moves.parameters().size(); ++i) {
    at::Tensor weight = moves.parameters()[i].tensor.detach();
    if (!moves.parameters()[i].tensor.grad().defined()) continue;
    const int64_t n = weight.numel();
    // 0.3 of 10 are 3, though 0.3 * 10 may round above 3.
    const auto count = std::clamp<int64_t>(
        static_cast<int64_t>(
            std::ceil(options_.share * static_cast<double>(n) - 1e-9)),
        1, n);
    const at::Tensor before = weight.clone();
    moves.Move(i);
    const at::Tensor moment = moves.FirstMoment(i);
    const at::Tensor stays = moment.abs().lt(LargestSize(moment, count));
    weight.copy_(at::where(stays, before, weight));
    all_ += n;
    moved_ += n - stays.sum().item<int64_t>();
  }
}

}  // namespace sft::methods
