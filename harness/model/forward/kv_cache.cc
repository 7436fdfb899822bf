#include "harness/model/forward/kv_cache.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "harness/kernels/attention/cached_attention.h"
#include "harness/kernels/shared/raw_tensor.h"

namespace sft::model {

KvCache::KvCache(const DecoderConfig& config, std::vector<int64_t> lengths,
                 int64_t slots, const at::TensorOptions& options) {
  const int64_t rows = static_cast<int64_t>(lengths.size());
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    for (auto* side : {&k_BKSH_, &v_BKSH_}) {
      // Zeros: what a masked slot holds is still multiplied, by nought.
      side->push_back(at::zeros(
          {rows, config.kv_heads, slots, config.head_width}, options));
    }
  }
  SetLengths(std::move(lengths));
}

void KvCache::SetLengths(std::vector<int64_t> lengths) {
  lengths_ = std::move(lengths);
  longest_ = *std::max_element(lengths_.begin(), lengths_.end());
  level_ = std::all_of(lengths_.begin(), lengths_.end(),
                       [&](int64_t n) { return n == longest_; });
  const at::Device device = k_BKSH_[0].device();
  lengths_B1_ = at::tensor(lengths_, at::kLong).to(device).unsqueeze(1);
  row_B_ = at::arange(rows(), lengths_B1_.options());
  seen_.clear();
}

const at::Tensor& KvCache::Seen(int64_t window) {
  for (const SeenMask& known : seen_) {
    if (known.window == window) return known.mask_B11S;
  }
  SeenMask made;
  made.window = window;
  const bool windowed = window > 0 && window < longest_ + 1;
  if (!level_ || windowed) {
    made.mask_B11S = kernels::SeenSlots(lengths_B1_ + 1, longest_ + 1, window);
  }
  seen_.push_back(std::move(made));
  return seen_.back().mask_B11S;
}

at::Tensor KvCache::AttendPrompts(int64_t layer, const at::Tensor& q,
                                  const at::Tensor& k, const at::Tensor& v,
                                  const Batch& prompts, double scale,
                                  const kernels::AttentionShape& shape) {
  int64_t begin = 0;
  for (int64_t b = 0; b < rows(); ++b) {
    const int64_t length = lengths_[b];
    k_BKSH_[layer][b].narrow(1, 0, length).copy_(k[0].narrow(1, begin, length));
    v_BKSH_[layer][b].narrow(1, 0, length).copy_(v[0].narrow(1, begin, length));
    begin += length;
  }
  return kernels::DefaultAttention(q, k, v, prompts, scale, shape);
}

at::Tensor KvCache::AttendNext(int64_t layer, const at::Tensor& q,
                               const at::Tensor& k, const at::Tensor& v,
                               double scale,
                               const kernels::AttentionShape& shape) {
  at::Tensor& keys = k_BKSH_[layer];
  at::Tensor& values = v_BKSH_[layer];
  if (level_) {
    keys.select(2, longest_).copy_(k.select(2, 0));
    values.select(2, longest_).copy_(v.select(2, 0));
  } else {
    using at::indexing::Slice;
    const at::Tensor length_B = lengths_B1_.squeeze(1);
    keys.index_put_({row_B_, Slice(), length_B}, k.select(2, 0));
    values.index_put_({row_B_, Slice(), length_B}, v.select(2, 0));
  }
  return kernels::CachedAttention(q, keys.narrow(2, 0, longest_ + 1),
                                  values.narrow(2, 0, longest_ + 1),
                                  Seen(shape.window), scale, shape.softcap);
}

void KvCache::AttendRows(int64_t layer, const StepTokens& tokens,
                         const float* q, const float* k, const float* v,
                         int64_t heads, double scale,
                         const kernels::AttentionShape& shape, float* out) {
  const at::Tensor& keys = k_BKSH_[layer];
  kernels::CachedShape cached;
  cached.tokens = std::ssize(tokens.ids);
  cached.heads = heads;
  cached.kv_heads = keys.size(1);
  cached.slots = keys.size(2);
  cached.head_width = keys.size(3);
  cached.rows_M = tokens.rows.data();
  cached.slots_M = tokens.slots.data();
  cached.scale = static_cast<float>(scale);
  cached.softcap = static_cast<float>(shape.softcap);
  cached.window = shape.window;
  kernels::WithElements(keys, [&](auto element) {
    using T = decltype(element);
    kernels::CachedAttentionRows<T>(
        cached, q, k, v, kernels::RawMutable<T>(keys),
        kernels::RawMutable<T>(v_BKSH_[layer]), out);
  });
}

StepTokens KvCache::NextTokens(
    const std::vector<std::vector<int32_t>>& of_rows) const {
  StepTokens out;
  for (size_t b = 0; b < of_rows.size(); ++b) {
    for (size_t i = 0; i < of_rows[b].size(); ++i) {
      out.ids.push_back(of_rows[b][i]);
      out.rows.push_back(static_cast<int64_t>(b));
      out.slots.push_back(lengths_[b] + static_cast<int64_t>(i));
    }
  }
  return out;
}

void KvCache::Advance(const std::vector<int64_t>& tokens) {
  std::vector<int64_t> lengths = lengths_;
  for (size_t b = 0; b < lengths.size(); ++b) lengths[b] += tokens[b];
  SetLengths(std::move(lengths));
}

void KvCache::Select(const std::vector<int64_t>& from) {
  std::vector<int64_t> same(lengths_.size());
  std::iota(same.begin(), same.end(), 0);
  if (from == same) return;
  const at::Tensor from_B = at::tensor(from, at::kLong).to(k_BKSH_[0].device());
  const bool in_place = from.size() == lengths_.size();
  for (auto* side : {&k_BKSH_, &v_BKSH_}) {
    for (at::Tensor& x_BKSH : *side) {
      if (in_place) {  // slots behind the longest row need no copy
        const at::Tensor filled = x_BKSH.narrow(2, 0, longest_);
        filled.copy_(filled.index_select(0, from_B));
      } else {
        x_BKSH = x_BKSH.index_select(0, from_B);
      }
    }
  }
  std::vector<int64_t> lengths;
  for (int64_t b : from) lengths.push_back(lengths_[b]);
  SetLengths(std::move(lengths));
}

}  // namespace sft::model
