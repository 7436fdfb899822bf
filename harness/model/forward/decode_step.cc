// B tokens, D width, N heads, K key heads, H head width, I and O features.
#include "harness/model/forward/decode_step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "harness/kernels/block/block_ops.h"
#include "harness/kernels/product/gemv.h"
#include "harness/kernels/shared/raw_tensor.h"
#include "harness/model/forward/decoder_block.h"

namespace sft::model {
namespace {

float* Room(std::vector<float>& buffer, int64_t floats) {
  if (std::ssize(buffer) < floats) buffer.resize(static_cast<size_t>(floats));
  return buffer.data();
}

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

// One layer's operations on the step's buffers (decoder_block.h).
class Decoder::RowStep::Block {
 public:
  using Value = float*;

  Block(RowStep& step, int64_t layer, const StepTokens& tokens,
        const Rotation& rotation, KvCache& cache)
      : step_(step),
        decoder_(step.decoder_),
        config_(decoder_.config_),
        layer_(layer),
        tokens_(tokens),
        rope_(rotation.Of(config_, layer)),
        cache_(cache),
        rows_(std::ssize(tokens.ids)) {}

  float* Norm(NormPlace place, const float* x) {
    const int64_t index = NormIndex(place), count = rows_ * config_.width;
    float* y = Room(step_.normed_, count);
    if (index >= 0) {
      step_.NormRows(index, x, rows_, config_.width, /*round=*/true, y);
    } else {
      std::copy_n(x, count, y);
      Round(y, count);
    }
    return y;
  }
  float* NormSum(NormPlace place, float* x) {
    const int64_t index = NormIndex(place);
    if (index < 0) return x;
    float* y = Room(step_.added_, rows_ * config_.width);
    step_.NormRows(index, x, rows_, config_.width, /*round=*/false, y);
    return y;
  }

  float* Map(Role role, const float* x) {
    const LinearSlot& slot = decoder_.SlotOf(layer_, role);
    float* y = Room(BufferOf(role), rows_ * slot.out_features);
    MapInto(*slot.map, decoder_.compute_, x, rows_, slot.in_features, y);
    return y;
  }

  std::array<float*, 3> Split(const float* x) {
    const int64_t of_q = QueryWidth(), of_k = KeyWidth();
    float* q = Room(step_.queries_, rows_ * of_q);
    float* k = Room(step_.keys_, rows_ * of_k);
    float* v = Room(step_.values_, rows_ * of_k);
    if (decoder_.layout().qkv_by_head) {
      const int64_t H = config_.head_width;
      for (int64_t i = 0; i < rows_ * config_.heads; ++i, x += 3 * H) {
        std::copy_n(x, H, q + i * H);
        std::copy_n(x + H, H, k + i * H);
        std::copy_n(x + 2 * H, H, v + i * H);
      }
      return {q, k, v};
    }
    for (int64_t b = 0; b < rows_; ++b) {
      const float* row = x + b * (of_q + 2 * of_k);
      std::copy_n(row, of_q, q + b * of_q);
      std::copy_n(row + of_q, of_k, k + b * of_k);
      std::copy_n(row + of_q + of_k, of_k, v + b * of_k);
    }
    return {q, k, v};
  }

  std::array<float*, 2> SplitGate(const float* x) {
    const int64_t F = config_.ffn_width;
    float* gate = Room(step_.gate_, rows_ * F);
    float* up = Room(step_.up_, rows_ * F);
    for (int64_t b = 0; b < rows_; ++b) {
      std::copy_n(x + 2 * b * F, F, gate + b * F);
      std::copy_n(x + (2 * b + 1) * F, F, up + b * F);
    }
    return {gate, up};
  }

  float* Placed(NormPlace place, float* x) {
    const int64_t H = config_.head_width;
    const int64_t heads =
        place == NormPlace::kQuery ? config_.heads : config_.kv_heads;
    if (const int64_t index = NormIndex(place); index >= 0) {
      const bool together = decoder_.layout().normed_together;
      step_.NormRows(index, x, together ? rows_ : rows_ * heads,
                     together ? heads * H : H, /*round=*/true, x);
    }
    if (!rope_.cos_B1TH.defined()) return x;
    // The first R of a head's H dimensions turn.
    const int64_t R = rope_.cos_B1TH.size(-1), all = rows_ * heads;
    const float* part = x;
    if (R < H) {
      float* copy = Room(step_.part_, all * R);
      for (int64_t i = 0; i < all; ++i) std::copy_n(x + i * H, R, copy + i * R);
      part = copy;
    }
    float* turned = Room(step_.turned_, all * R);
    kernels::RotateRows<float>(part, rope_.cos_B1TH.const_data_ptr<float>(),
                               rope_.sin_B1TH.const_data_ptr<float>(), rows_,
                               heads, R, /*inverse=*/false, turned);
    for (int64_t i = 0; i < all; ++i) {
      std::copy_n(turned + i * R, R, x + i * H);
    }
    Round(x, all * H);
    return x;
  }

  float* Attend(const float* q, const float* k, const float* v) {
    float* seen = Room(step_.seen_, rows_ * QueryWidth());
    cache_.AttendRows(layer_, tokens_, q, k, v, config_.heads,
                      config_.AttentionScale(), config_.ShapeOf(layer_), seen);
    return seen;
  }

  float* Gated(const float* gate, float* up) {
    const int64_t F = config_.ffn_width;
    if (config_.activation == Activation::kSilu) {
      kernels::SwiGluForward<float>(gate, up, rows_ * F, up);
      Round(up, rows_ * F);
    } else {
      CopyTo(GeGluTanh(View(gate, rows_, F).to(decoder_.compute_),
                       View(up, rows_, F).to(decoder_.compute_)),
             up);
    }
    return up;
  }

  float* Activated(float* up) {
    const int64_t F = config_.ffn_width;
    CopyTo(
        Activate(config_.activation, View(up, rows_, F).to(decoder_.compute_)),
        up);
    return up;
  }

  float* Add(float* x, const float* more) {
    const int64_t count = rows_ * config_.width;
    const auto scale = static_cast<float>(config_.residual_scale);
    for (int64_t i = 0; i < count; ++i) x[i] += scale * more[i];
    return x;
  }

 private:
  int64_t QueryWidth() const { return config_.heads * config_.head_width; }
  int64_t KeyWidth() const { return config_.kv_heads * config_.head_width; }

  std::vector<float>& BufferOf(Role role) {
    switch (role) {
      case Role::kQkv:
      case Role::kGateUp:
        return step_.fused_;
      case Role::kQuery:
        return step_.queries_;
      case Role::kKey:
        return step_.keys_;
      case Role::kValue:
        return step_.values_;
      case Role::kGate:
        return step_.gate_;
      case Role::kUp:
        return step_.up_;
      default:  // what is added to the residual stream
        return step_.sum_;
    }
  }
  // -1 if the layout has none.
  int64_t NormIndex(NormPlace place) const {
    const int64_t index = decoder_.layout().NormIndex(place);
    return index < 0 ? index
                     : layer_ * std::ssize(decoder_.layout().norms) + index;
  }
  void Round(float* x, int64_t count) const {
    if (decoder_.compute_ == at::kBFloat16) kernels::RoundToBf16(x, count);
  }

  RowStep& step_;
  Decoder& decoder_;
  const DecoderConfig& config_;
  int64_t layer_;
  const StepTokens& tokens_;
  const RotaryTable& rope_;
  KvCache& cache_;
  int64_t rows_;
};

bool Decoder::RowStep::Serves(int64_t tokens) const {
  return tokens <= kMostStepRows && decoder_.device().is_cpu() &&
         (decoder_.compute_ == at::kFloat ||
          decoder_.compute_ == at::kBFloat16);
}

void Decoder::RowStep::Prepare() {
  if (head_VD_.defined()) return;
  head_VD_ =
      decoder_.head_weight_VD().detach().to(decoder_.compute_).contiguous();
  const auto add = [&](const NormWeights& norm) {
    const at::Tensor w = norm.weight_D.detach().contiguous();
    norms_.push_back(decoder_.config_.norm == NormKind::kRmsPlusOne ? w + 1
                                                                    : w);
  };
  for (const NormWeights& norm : decoder_.norms_) add(norm);
  add(decoder_.norm_);
}

void Decoder::RowStep::NormRows(int64_t index, const float* x, int64_t rows,
                                int64_t width, bool round, float* y) {
  const DecoderConfig& config = decoder_.config_;
  if (config.norm == NormKind::kLayer) {
    const NormWeights& norm = index < std::ssize(decoder_.norms_)
                                  ? decoder_.norms_[index]
                                  : decoder_.norm_;
    CopyTo(decoder_.Normed(norm, View(x, rows, width), at::kFloat), y);
  } else {
    kernels::RmsNormForward<float>(
        x, norms_[index].const_data_ptr<float>(), rows, width,
        static_cast<float>(config.norm_epsilon), y, Room(rstd_, rows));
  }
  if (round && decoder_.compute_ == at::kBFloat16) {
    kernels::RoundToBf16(y, rows * width);
  }
}

at::Tensor Decoder::RowStep::Logits(const StepTokens& tokens, KvCache& cache) {
  Prepare();
  const DecoderConfig& config = decoder_.config_;
  const int64_t B = std::ssize(tokens.ids), D = config.width;
  const at::Tensor ids_B1 = at::tensor(tokens.ids, at::kLong).unsqueeze(1);
  const at::Tensor position_B1 =
      at::tensor(tokens.slots, at::kLong).unsqueeze(1);
  const Rotation rotation = decoder_.MakeRotation(position_B1);
  const at::Tensor x_BD =
      decoder_.Embed(ids_B1, position_B1).view({B, D}).contiguous();
  float* x = x_BD.mutable_data_ptr<float>();
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    Block block(*this, layer, tokens, rotation, cache);
    x = RunBlock(config, block, x);
  }
  float* normed = Room(normed_, B * D);
  NormRows(std::ssize(decoder_.norms_), x, B, D, /*round=*/true, normed);
  if (config.logit_divisor != 1) {
    const auto divisor = static_cast<float>(config.logit_divisor);
    for (int64_t i = 0; i < B * D; ++i) normed[i] /= divisor;
    if (decoder_.compute_ == at::kBFloat16) {
      kernels::RoundToBf16(normed, B * D);
    }
  }
  const int64_t V = head_VD_.size(0);
  if (!logits_MV_.defined() || logits_MV_.size(0) != B) {
    logits_MV_ = at::empty({B, V}, at::kFloat);
  }
  kernels::WithElements(head_VD_, [&](auto element) {
    using T = decltype(element);
    kernels::MultiplyRows<T>(kernels::Raw<T>(head_VD_), normed, B, D, V,
                             {.to_bf16 = decoder_.compute_ == at::kBFloat16},
                             kernels::RawMutable<float>(logits_MV_));
  });
  const double cap = config.final_softcap;
  return cap > 0 ? logits_MV_.div(cap).tanh().mul(cap) : logits_MV_;
}

}  // namespace sft::model
