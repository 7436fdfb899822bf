#include "harness/model/ops/rope.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace sft::model {
namespace {

// theta^(2i/H), i < H/2.
at::Tensor Powers(int64_t head_width, double theta,
                  const at::TensorOptions& options) {
  const at::Tensor exponent = at::arange(0, head_width, 2, options)
                                  .div_(static_cast<double>(head_width));
  return at::full({}, theta, options).pow(exponent);
}

at::Tensor Llama3Frequencies(const RopeScaling& s,
                             const at::Tensor& frequency) {
  const double low = s.low_frequency_factor, high = s.high_frequency_factor;
  const at::Tensor wavelength = frequency.reciprocal().mul(2 * M_PI);
  const at::Tensor is_long = wavelength.gt(s.original_positions / low);
  const at::Tensor is_short = wavelength.lt(s.original_positions / high);
  const at::Tensor smooth = wavelength.reciprocal()
                                .mul(s.original_positions)
                                .sub(low)
                                .div(high - low);
  const at::Tensor between =
      smooth.neg().add(1).mul(frequency).div(s.factor).add(
          smooth.mul(frequency));
  return at::where(is_long, frequency.div(s.factor),
                   at::where(is_short, frequency, between));
}

// Where among H dimensions a frequency turns `rotations` times within the
// original positions.
double CorrectionDim(const RopeScaling& s, double rotations, int64_t head_width,
                     double theta) {
  return static_cast<double>(head_width) *
         std::log(s.original_positions / (rotations * 2 * M_PI)) /
         (2 * std::log(theta));
}

at::Tensor YarnFrequencies(const RopeScaling& s, int64_t head_width,
                           double theta, const at::Tensor& power) {
  double low = CorrectionDim(s, s.beta_fast, head_width, theta);
  double high = CorrectionDim(s, s.beta_slow, head_width, theta);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(head_width - 1));
  if (low == high) high += 0.001;
  const at::Tensor interpolated = at::arange(head_width / 2, power.options())
                                      .sub_(low)
                                      .div_(high - low)
                                      .clamp_(0, 1);
  return power.mul(s.factor)
      .reciprocal()
      .mul(interpolated)
      .add(power.reciprocal().mul(interpolated.neg().add(1)));
}

// Of each length int64 [B, T] its own angles [B, T, H/2].
at::Tensor DynamicFrequencies(const RopeScaling& s, int64_t head_width,
                              double theta, const at::Tensor& length_BT,
                              const at::TensorOptions& options) {
  const at::Tensor longer_BT =
      length_BT.to(options.device())
          .clamp_min(static_cast<int64_t>(s.original_positions))
          .to(options.dtype())
          .mul(s.factor)
          .div(s.original_positions)
          .sub(s.factor - 1);
  const auto H = static_cast<double>(head_width);
  const at::Tensor theta_BT1 =
      longer_BT.pow(H / (H - 2)).mul(theta).unsqueeze(-1);
  const at::Tensor exponent = at::arange(0, head_width, 2, options).div_(H);
  return theta_BT1.pow(exponent).reciprocal();
}

// Likewise: the short or the long angles.
at::Tensor LongRopeFrequencies(const RopeScaling& s, int64_t head_width,
                               double theta, const at::Tensor& length_BT,
                               const at::TensorOptions& options) {
  const at::Tensor power = Powers(head_width, theta, options);
  const auto frequencies = [&](const std::vector<double>& factors) {
    return at::tensor(factors, options).mul(power).reciprocal();
  };
  const at::Tensor is_long_BT1 =
      length_BT.to(options.device()).gt(s.original_positions).unsqueeze(-1);
  return at::where(is_long_BT1, frequencies(s.long_factors),
                   frequencies(s.short_factors));
}

// Of a token each.
at::Tensor FrequenciesByLength(const RopeScaling& s, int64_t head_width,
                               double theta, const at::Tensor& length_BT,
                               const at::TensorOptions& options) {
  return s.type == RopeType::kDynamic
             ? DynamicFrequencies(s, head_width, theta, length_BT, options)
             : LongRopeFrequencies(s, head_width, theta, length_BT, options);
}

}  // namespace

bool ScalesByLength(const RopeScaling& scaling) {
  return scaling.type == RopeType::kDynamic ||
         scaling.type == RopeType::kLongRope;
}

at::Tensor RopeFrequencies(const RopeScaling& scaling, int64_t head_width,
                           double theta, const at::TensorOptions& options) {
  const at::Tensor power = Powers(head_width, theta, options);
  switch (scaling.type) {
    case RopeType::kLinear:
      return power.reciprocal().div_(scaling.factor);
    case RopeType::kYarn:
      return YarnFrequencies(scaling, head_width, theta, power);
    case RopeType::kLlama3:
      return Llama3Frequencies(scaling, power.reciprocal());
    default:
      return power.reciprocal();
  }
}

RotaryTable MakeScaledRotaryTable(const at::Tensor& position_ids_BT,
                                  const at::Tensor& length_BT,
                                  int64_t head_width, double theta,
                                  const RopeScaling& scaling,
                                  at::ScalarType dtype) {
  if (scaling.type == RopeType::kDefault) {
    return MakeRotaryTable(position_ids_BT, head_width, theta, dtype);
  }
  const at::TensorOptions options =
      at::TensorOptions().dtype(dtype).device(position_ids_BT.device());
  const at::Tensor frequency =
      ScalesByLength(scaling)
          ? FrequenciesByLength(scaling, head_width, theta, length_BT, options)
          : RopeFrequencies(scaling, head_width, theta, options);
  const at::Tensor half_BTH =
      position_ids_BT.to(dtype).unsqueeze(-1).mul(frequency);
  const at::Tensor angle_B1TH = at::cat({half_BTH, half_BTH}, -1).unsqueeze(1);
  return {angle_B1TH.cos().mul_(scaling.attention_factor),
          angle_B1TH.sin().mul_(scaling.attention_factor)};
}

at::Tensor SequenceLengths(const Batch& batch) {
  std::vector<int64_t> lengths = batch.lengths;
  if (!batch.prefixes.empty()) {
    // A head before those that follow it.
    for (size_t s = 0; s < lengths.size(); ++s) {
      const int64_t head = batch.prefixes[s];
      if (head < 0) continue;
      lengths[head] =
          std::max(lengths[head], batch.lengths[head] + batch.lengths[s]);
    }
    for (size_t s = 0; s < lengths.size(); ++s) {
      if (batch.prefixes[s] >= 0) lengths[s] = lengths[batch.prefixes[s]];
    }
  }
  const int64_t T = batch.input_ids_BT.size(1);
  at::Tensor out = at::ones(batch.input_ids_BT.sizes(), at::kLong);
  const bool padded = !batch.cu_seqlens.defined();
  int64_t at = 0;
  for (size_t s = 0; s < lengths.size(); ++s) {
    const int64_t row = padded ? static_cast<int64_t>(s) : 0;
    const int64_t count = padded ? T : batch.lengths[s];
    out.select(0, row).narrow(0, padded ? 0 : at, count).fill_(lengths[s]);
    at += count;
  }
  return out;
}

}  // namespace sft::model
