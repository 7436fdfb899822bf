// A step's tokens by the kernels alone: what Decoder::CachedBackbone()
// computes, for few rows on the CPU, without operators' dispatch and
// allocations. Activations lie in f32 buffers and hold values of the compute
// dtype.
// B tokens, D width, N heads, K key heads, H head width, I and O features.
#include "harness/model/forward/decode_step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "harness/kernels/block/block_ops.h"
#include "harness/kernels/product/gemv.h"
#include "harness/kernels/shared/raw_tensor.h"
#include "harness/model/forward/decoder.h"

namespace sft::model {
namespace {

at::Tensor View(const float* x, int64_t rows, int64_t width) {
  return at::from_blob(const_cast<float*>(x), {rows, width}, at::kFloat);
}

void CopyTo(const at::Tensor& from, float* to) {
  const at::Tensor wide = from.to(at::kFloat).contiguous();
  std::memcpy(to, wide.const_data_ptr<float>(), wide.nbytes());
}

void MapInto(LinearMap& map, at::ScalarType compute, const float* x,
             int64_t rows, int64_t in, float* y) {
  if (map.MapRows(x, rows, y)) return;
  CopyTo(map.Forward(View(x, rows, in).to(compute), PassState()), y);
}

}  // namespace

bool Decoder::CanStep(int64_t rows) const {
  return rows <= kMostStepRows && device().is_cpu() &&
         (compute_ == at::kFloat || compute_ == at::kBFloat16);
}

void Decoder::PrepareRoom(StepRoom& room) const {
  if (room.head_VD.defined()) return;
  room.head_VD = (head_VD_.defined() ? head_VD_ : embedding_VD_)
                     .detach()
                     .to(compute_)
                     .contiguous();
  const auto add = [&](const NormWeights& norm) {
    const at::Tensor w = norm.weight_D.detach().contiguous();
    room.norms.push_back(config_.norm == NormKind::kRmsPlusOne ? w + 1 : w);
  };
  for (const NormWeights& norm : norms_) add(norm);
  add(norm_);
}

void Decoder::NormRows(int64_t index, const float* x, int64_t rows,
                       int64_t width, bool round, StepRoom& room,
                       float* y) const {
  if (config_.norm == NormKind::kLayer) {
    const NormWeights& norm =
        index < std::ssize(norms_) ? norms_[index] : norm_;
    CopyTo(Normed(norm, View(x, rows, width), at::kFloat), y);
  } else {
    kernels::RmsNormForward<float>(x, room.norms[index].const_data_ptr<float>(),
                                   rows, width,
                                   static_cast<float>(config_.norm_epsilon), y,
                                   StepRoom::At(room.rstd, rows));
  }
  if (round && compute_ == at::kBFloat16) kernels::RoundToBf16(y, rows * width);
}

const float* Decoder::NormRowsAt(int64_t layer, NormPlace place, const float* x,
                                 int64_t rows, int64_t width, bool round,
                                 StepRoom& room, float* y) const {
  const int64_t index = layout().NormIndex(place);
  if (index < 0) return x;
  NormRows(layer * std::ssize(layout().norms) + index, x, rows, width, round,
           room, y);
  return y;
}

void Decoder::FeedForwardRows(int64_t layer, const float* m_BD, int64_t rows,
                              StepRoom& room, float* y_BD) {
  const int64_t D = config_.width, F = config_.ffn_width;
  const auto map = [&](Role role) -> LinearMap& {
    return *slots_[layer * std::ssize(layout().maps) + layout().MapIndex(role)]
                .map;
  };
  float* up = StepRoom::At(room.up, rows * F);
  MapInto(map(Role::kUp), compute_, m_BD, rows, D, up);
  if (layout().MapIndex(Role::kGate) < 0) {
    CopyTo(Activate(config_.activation, View(up, rows, F).to(compute_)), up);
  } else {
    float* gate = StepRoom::At(room.gate, rows * F);
    MapInto(map(Role::kGate), compute_, m_BD, rows, D, gate);
    if (config_.activation == Activation::kSilu) {
      kernels::SwiGluForward<float>(gate, up, rows * F, up);
      if (compute_ == at::kBFloat16) kernels::RoundToBf16(up, rows * F);
    } else {
      CopyTo(GeGluTanh(View(gate, rows, F).to(compute_),
                       View(up, rows, F).to(compute_)),
             up);
    }
  }
  MapInto(map(Role::kDown), compute_, up, rows, F, y_BD);
}

void Decoder::AttentionRows(int64_t layer, const float* h_BD,
                            const StepTokens& tokens, const Rotation& rotation,
                            KvCache& cache, StepRoom& room, float* y_BD) {
  const int64_t rows = std::ssize(tokens.ids);
  const int64_t D = config_.width, H = config_.head_width;
  const int64_t of_q = config_.heads * H, of_k = config_.kv_heads * H;
  const auto map = [&](Role role, const float* x, int64_t in, float* y) {
    const int64_t index = layout().MapIndex(role);
    MapInto(*slots_[layer * std::ssize(layout().maps) + index].map, compute_, x,
            rows, in, y);
  };
  float* q = StepRoom::At(room.queries, rows * of_q);
  float* k = StepRoom::At(room.keys, rows * of_k);
  float* v = StepRoom::At(room.values, rows * of_k);
  float* turned = StepRoom::At(room.turned, rows * (of_q + 2 * of_k));
  if (layout().MapIndex(Role::kQkv) >= 0) {
    map(Role::kQkv, h_BD, D, turned);
    for (int64_t b = 0; b < rows; ++b) {
      const float* row = turned + b * (of_q + 2 * of_k);
      std::copy_n(row, of_q, q + b * of_q);
      std::copy_n(row + of_q, of_k, k + b * of_k);
      std::copy_n(row + of_q + of_k, of_k, v + b * of_k);
    }
  } else {
    map(Role::kQuery, h_BD, D, q);
    map(Role::kKey, h_BD, D, k);
    map(Role::kValue, h_BD, D, v);
  }
  const RotaryTable& rope =
      config_.ShapeOf(layer).window > 0 ? rotation.local : rotation.global;
  const auto place = [&](float* x, int64_t heads, NormPlace norm) {
    const float* normed =
        NormRowsAt(layer, norm, x, rows * heads, H, /*round=*/true, room, x);
    if (!rope.cos_B1TH.defined()) return;
    kernels::RotateRows<float>(normed, rope.cos_B1TH.const_data_ptr<float>(),
                               rope.sin_B1TH.const_data_ptr<float>(), rows,
                               heads, H,
                               /*inverse=*/false, turned);
    std::copy_n(turned, rows * heads * H, x);
    if (compute_ == at::kBFloat16) kernels::RoundToBf16(x, rows * heads * H);
  };
  place(q, config_.heads, NormPlace::kQuery);
  place(k, config_.kv_heads, NormPlace::kKey);
  float* seen = StepRoom::At(room.seen, rows * of_q);
  cache.AttendRows(layer, tokens, q, k, v, config_.heads,
                   config_.AttentionScale(), config_.ShapeOf(layer), seen);
  map(Role::kOutput, seen, of_q, y_BD);
}

at::Tensor Decoder::StepRows(const StepTokens& tokens, KvCache& cache,
                             StepRoom& room) {
  PrepareRoom(room);
  const int64_t B = std::ssize(tokens.ids), D = config_.width;
  const at::Tensor ids_B1 = at::tensor(tokens.ids, at::kLong).unsqueeze(1);
  const at::Tensor position_B1 =
      at::tensor(tokens.slots, at::kLong).unsqueeze(1);
  const Rotation rotation = MakeRotation(position_B1);
  const at::Tensor x_BD = Embed(ids_B1, position_B1).view({B, D}).contiguous();
  float* x = x_BD.mutable_data_ptr<float>();
  float* normed = StepRoom::At(room.normed, B * D);
  float* sum = StepRoom::At(room.sum, B * D);
  const auto add = [&](int64_t layer, NormPlace place) {
    const float* more =
        NormRowsAt(layer, place, sum, B, D, /*round=*/false, room, normed);
    for (int64_t i = 0; i < B * D; ++i) x[i] += more[i];
  };
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    AttentionRows(layer,
                  NormRowsAt(layer, NormPlace::kBeforeAttention, x, B, D,
                             /*round=*/true, room, normed),
                  tokens, rotation, cache, room, sum);
    add(layer, NormPlace::kAfterAttention);
    FeedForwardRows(layer,
                    NormRowsAt(layer, NormPlace::kBeforeFeedForward, x, B, D,
                               /*round=*/true, room, normed),
                    B, room, sum);
    add(layer, NormPlace::kAfterFeedForward);
  }
  NormRows(std::ssize(norms_), x, B, D, /*round=*/true, room, normed);
  const int64_t V = room.head_VD.size(0);
  if (!room.logits_BV.defined() || room.logits_BV.size(0) != B) {
    room.logits_BV = at::empty({B, V}, at::kFloat);
  }
  kernels::WithElements(room.head_VD, [&](auto element) {
    using T = decltype(element);
    kernels::MultiplyRows<T>(kernels::Raw<T>(room.head_VD), normed, B, D, V,
                             {.to_bf16 = compute_ == at::kBFloat16},
                             kernels::RawMutable<float>(room.logits_BV));
  });
  const double cap = config_.final_softcap;
  return cap > 0 ? room.logits_BV.div(cap).tanh().mul(cap) : room.logits_BV;
}

}  // namespace sft::model
