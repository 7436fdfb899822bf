#include "harness/kernels/attention/attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "harness/kernels/attention/device_attention.h"
#include "harness/kernels/attention/sequence_attention.h"

namespace sft::kernels {
namespace {

// bf16 speeds nothing up here on a processor, and without bf16 instructions it
// is slow: there the operands are widened and the result is rounded.
at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const std::optional<at::Tensor>& mask, bool causal,
                  double scale) {
  if (q.is_cpu() && q.scalar_type() == at::kBFloat16) {
    return at::scaled_dot_product_attention(q.to(at::kFloat), k.to(at::kFloat),
                                            v.to(at::kFloat), mask,
                                            /*dropout_p=*/0.0, causal, scale)
        .to(at::kBFloat16);
  }
  return at::scaled_dot_product_attention(q, k, v, mask, /*dropout_p=*/0.0,
                                          causal, scale);
}

// The scores are made in f32 (f64), for tanh eats bf16's few digits.
at::Tensor SoftcapAttend(const at::Tensor& q, const at::Tensor& k,
                         const at::Tensor& v, const at::Tensor& seen,
                         double scale, double cap) {
  const at::ScalarType wide =
      q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor scores = at::matmul(q.to(wide), k.to(wide).transpose(2, 3))
                                .mul(scale)
                                .div(cap)
                                .tanh()
                                .mul(cap);
  const at::Tensor masked =
      seen.defined() ? scores.masked_fill(seen.logical_not(), -INFINITY)
                     : scores;
  return at::matmul(masked.softmax(-1), v.to(wide)).to(q.scalar_type());
}

at::Tensor AttendSeen(const at::Tensor& q, const at::Tensor& k,
                      const at::Tensor& v, const at::Tensor& seen, double scale,
                      double softcap) {
  if (softcap > 0) return SoftcapAttend(q, k, v, seen, scale, softcap);
  return Attend(q, k, v, seen, false, scale);
}

at::Tensor CausalAttend(const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v, double scale,
                        const AttentionShape& shape) {
  const int64_t T = q.size(2), S = k.size(2);
  const bool windowed = shape.window > 0 && shape.window < S;
  if (!windowed && shape.softcap <= 0 && S == T) {
    return Attend(q, k, v, std::nullopt, true, scale);
  }
  // Keys of a prefix come before the queries' own.
  at::Tensor seen_TS =
      at::ones({T, S}, q.options().dtype(at::kBool)).tril(S - T);
  if (windowed) seen_TS = seen_TS.triu(S - T + 1 - shape.window);
  return AttendSeen(q, k, v, seen_TS, scale, shape.softcap);
}

// [B, 1, 1, T], true where there is no pad; nothing if there is none at all.
std::optional<at::Tensor> RealKeys(const Batch& batch, const at::Tensor& k) {
  const int64_t B = k.size(0), T = k.size(2);
  TORCH_CHECK(static_cast<int64_t>(batch.lengths.size()) == B, "a batch of ", B,
              " rows with ", batch.lengths.size(), " lengths");
  bool pads = false;
  for (int64_t length : batch.lengths) pads = pads || length != T;
  if (!pads) return std::nullopt;
  const auto longs = at::TensorOptions().dtype(at::kLong).device(k.device());
  return at::arange(T, longs)
      .lt(at::tensor(batch.lengths, longs).unsqueeze(1))
      .view({B, 1, 1, T});
}

at::Tensor AttendAll(const at::Tensor& q, const at::Tensor& k,
                     const at::Tensor& v, const Batch& batch, double scale,
                     const AttentionShape& shape) {
  if (shape.causal) return CausalAttend(q, k, v, scale, shape);
  TORCH_CHECK(shape.softcap == 0, "soft caps are for causal attention");
  const bool padded = !batch.cu_seqlens.defined();
  std::optional<at::Tensor> seen =
      padded ? RealKeys(batch, k) : std::optional<at::Tensor>();
  const int64_t T = q.size(2);
  if (shape.window > 0 && shape.window < T) {
    const at::Tensor all_TT = at::ones({T, T}, q.options().dtype(at::kBool));
    const at::Tensor near_TT =
        all_TT.triu(1 - shape.window).tril(shape.window - 1);
    // A pad far from every real token sees itself, for a softmax over nothing
    // is no number.
    seen = seen ? near_TT.logical_and(seen->logical_or(all_TT.triu().tril()))
                : near_TT;
  }
  return Attend(q, k, v, seen, /*causal=*/false, scale);
}

// Where the sequences of a batch begin and end among its B * T tokens: its
// rows, pads and all, or the segments of cu_seqlens.
std::vector<int64_t> SequenceBounds(const at::Tensor& q_BNTH,
                                    const Batch& batch) {
  const int64_t B = q_BNTH.size(0), T = q_BNTH.size(2);
  std::vector<int64_t> bounds;
  if (!batch.cu_seqlens.defined()) {
    for (int64_t b = 0; b <= B; ++b) bounds.push_back(b * T);
    return bounds;
  }
  TORCH_CHECK(B == 1, "a packed batch has one row, got ", B);
  const at::Tensor on_cpu = batch.cu_seqlens.cpu();
  const int32_t* bound = on_cpu.const_data_ptr<int32_t>();
  bounds.assign(bound, bound + on_cpu.numel());
  for (size_t p = 0; p + 1 < bounds.size(); ++p) {
    TORCH_CHECK(bounds[p] < bounds[p + 1], "empty segment ", p,
                " of cu_seqlens");
  }
  return bounds;
}

// What a device's kernels need to know of the batch, if they serve it.
std::optional<DeviceAttentionShape> ShapeOnDevice(const at::Tensor& q_BNTH,
                                                  const Batch& batch,
                                                  double scale,
                                                  const AttentionShape& shape) {
  if (!batch.prefixes.empty() || shape.softcap > 0 ||
      (shape.window > 0 && !shape.causal) ||
      !HasDeviceAttention(q_BNTH.device(), q_BNTH.scalar_type(), q_BNTH.size(3),
                          shape.window > 0)) {
    return std::nullopt;
  }
  DeviceAttentionShape on_device;
  if (batch.cu_seqlens.defined()) {
    on_device.cu_seqlens = batch.cu_seqlens.to(q_BNTH.device());
  }
  on_device.longest = q_BNTH.size(2);
  if (batch.longest > 0) {
    on_device.longest = batch.longest;
  } else if (batch.cu_seqlens.defined() && !batch.lengths.empty()) {
    on_device.longest =
        *std::max_element(batch.lengths.begin(), batch.lengths.end());
  }
  on_device.scale = scale;
  on_device.causal = shape.causal;
  on_device.window = shape.window;
  return on_device;
}

}  // namespace

at::Tensor ExpandHeads(const at::Tensor& x_BKTH, int64_t heads) {
  const int64_t kv_heads = x_BKTH.size(1);
  if (kv_heads == heads) return x_BKTH;
  const int64_t groups = heads / kv_heads;
  return x_BKTH.unsqueeze(2)
      .expand(
          {x_BKTH.size(0), kv_heads, groups, x_BKTH.size(2), x_BKTH.size(3)})
      .reshape({x_BKTH.size(0), heads, x_BKTH.size(2), x_BKTH.size(3)});
}

at::Tensor DefaultAttention(const at::Tensor& q_BNTH, const at::Tensor& k_BKTH,
                            const at::Tensor& v_BKTH, const Batch& batch,
                            double scale, const AttentionShape& shape) {
  const bool masked = !shape.causal && !batch.cu_seqlens.defined() &&
                      RealKeys(batch, k_BKTH).has_value();
  const auto on_device = ShapeOnDevice(q_BNTH, batch, scale, shape);
  if (on_device && !masked) {
    return DeviceAttention(q_BNTH, k_BKTH, v_BKTH, *on_device);
  }
  const std::vector<int64_t> bounds = SequenceBounds(q_BNTH, batch);
  int64_t longest = q_BNTH.size(2);
  if (!shape.causal) {
    longest = 0;
    for (size_t p = 0; p + 1 < bounds.size(); ++p) {
      longest = std::max(longest, bounds[p + 1] - bounds[p]);
    }
  }
  const bool windowed = shape.window > 0 && shape.window < longest;
  if (HasSequenceAttention(q_BNTH) && !windowed && shape.softcap <= 0 &&
      !masked) {
    return SequenceAttention(q_BNTH, k_BKTH, v_BKTH, bounds, scale,
                             shape.causal, batch.prefixes);
  }
  const at::Tensor k_BNTH = ExpandHeads(k_BKTH, q_BNTH.size(1));
  const at::Tensor v_BNTH = ExpandHeads(v_BKTH, q_BNTH.size(1));
  if (!batch.cu_seqlens.defined()) {
    return AttendAll(q_BNTH, k_BNTH, v_BNTH, batch, scale, shape);
  }
  std::vector<at::Tensor> parts;
  for (size_t p = 0; p + 1 < bounds.size(); ++p) {
    const auto part = [&](const at::Tensor& x, size_t of) {
      return x.narrow(2, bounds[of], bounds[of + 1] - bounds[of]);
    };
    const int64_t prefix = batch.prefixes.empty() ? -1 : batch.prefixes[p];
    const auto seen = [&](const at::Tensor& x) {
      if (prefix < 0) return part(x, p);
      return at::cat({part(x, static_cast<size_t>(prefix)), part(x, p)}, 2);
    };
    parts.push_back(AttendAll(part(q_BNTH, p), seen(k_BNTH), seen(v_BNTH),
                              batch, scale, shape));
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts, 2);
}

at::Tensor SeenSlots(const at::Tensor& lengths_B1, int64_t slots,
                     int64_t window) {
  const at::Tensor slot_S = at::arange(slots, lengths_B1.options());
  at::Tensor seen_BS = slot_S.lt(lengths_B1);
  if (window > 0) {
    seen_BS = seen_BS.logical_and(slot_S.ge(lengths_B1 - window));
  }
  return seen_BS.unsqueeze(1).unsqueeze(1);
}

at::Tensor CachedAttention(const at::Tensor& q_BN1H, const at::Tensor& k_BKSH,
                           const at::Tensor& v_BKSH,
                           const at::Tensor& seen_B11S, double scale,
                           double softcap) {
  // The queries of one key's heads stand as its tokens: no key is copied.
  const int64_t groups = q_BN1H.size(1) / k_BKSH.size(1);
  const at::Tensor q_BKGH =
      q_BN1H.reshape({q_BN1H.size(0), k_BKSH.size(1), groups, -1});
  const at::Tensor out_BKGH =
      softcap > 0 || seen_B11S.defined()
          ? AttendSeen(q_BKGH, k_BKSH, v_BKSH, seen_B11S, scale, softcap)
          : Attend(q_BKGH, k_BKSH, v_BKSH, std::nullopt, false, scale);
  return out_BKGH.reshape(q_BN1H.sizes());
}

}  // namespace sft::kernels
