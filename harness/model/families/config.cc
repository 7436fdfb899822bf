#include "harness/model/families/config.h"

#include <algorithm>
#include <cmath>

#include "harness/core/status.h"

namespace sft::model {
namespace {

// Large enough for any model, small enough that no product overflows.
constexpr int64_t kMaxLayers = 4096;
constexpr int64_t kMaxPositions = int64_t{1} << 40;
constexpr double kMaxFactor = 1 << 20;

}  // namespace

absl::Status CheckConfig(const std::string& where, const DecoderConfig& c) {
  struct Bound {
    const char* name;
    int64_t value;
    int64_t max;
  };
  for (const Bound& bound : std::initializer_list<Bound>{
           {"number of layers", c.layers, kMaxLayers},
           {"width", c.width, 1 << 20},
           {"number of heads", c.heads, 1 << 16},
           {"number of key and value heads", c.kv_heads, 1 << 16},
           {"head width", c.head_width, 1 << 16},
           {"ffn width", c.ffn_width, kMaxSize},
           {"vocabulary", c.vocabulary, kMaxSize},
           {"number of positions", c.max_positions, kMaxPositions}}) {
    if (bound.value < 1 || bound.value > bound.max) {
      return InputError(where, absl::StrCat(bound.name, " ", bound.value,
                                            " is not from 1 to ", bound.max));
    }
  }
  if (c.heads % c.kv_heads != 0) {
    return InputError(where, absl::StrCat(c.heads, " heads are no multiple of ",
                                          c.kv_heads, " key and value heads"));
  }
  if (c.head_width % 2 != 0) {
    return InputError(where, absl::StrCat("head width ", c.head_width,
                                          " is odd: it cannot be rotated"));
  }
  if (!(c.rotary_share > 0 && c.rotary_share <= 1) || c.RotaryWidth() < 2 ||
      c.RotaryWidth() % 2 != 0) {
    return InputError(
        where, absl::StrCat("rotary share ", c.rotary_share, " of head width ",
                            c.head_width, " is no even number of dimensions"));
  }
  if (!(c.norm_epsilon > 0 && c.norm_epsilon < 1)) {
    return InputError(where, absl::StrCat("norm epsilon ", c.norm_epsilon,
                                          " is not between 0 and 1"));
  }
  if (!(c.rope_theta >= 1 && std::isfinite(c.rope_theta))) {
    return InputError(where,
                      absl::StrCat("rope theta ", c.rope_theta, " is below 1"));
  }
  if (c.local_rope_theta != 0 &&
      !(c.local_rope_theta >= 1 && std::isfinite(c.local_rope_theta))) {
    return InputError(where, absl::StrCat("local rope theta ",
                                          c.local_rope_theta, " is below 1"));
  }
  for (const RopeScaling* s : {&c.rope_scaling, &c.local_rope_scaling}) {
    if (s->type == RopeType::kDefault) continue;
    if (s->factor > kMaxFactor || s->original_positions > kMaxPositions) {
      return InputError(where, absl::StrCat("rope scaling by ", s->factor,
                                            " from ", s->original_positions,
                                            " positions is beyond any model"));
    }
    if (s->type == RopeType::kDynamic && c.RotaryWidth() <= 2) {
      return InputError(where, "dynamic rope scaling wants heads wider than 2");
    }
    if (s->type == RopeType::kLongRope) {
      const int64_t wanted = c.RotaryWidth() / 2;
      for (const auto* factors : {&s->short_factors, &s->long_factors}) {
        if (std::ssize(*factors) == wanted) continue;
        return InputError(
            where,
            absl::StrCat("longrope: ", factors->size(), " factors, wanted ",
                         wanted, ", one for every two rotated dimensions"));
      }
    }
    if (s->type == RopeType::kYarn && c.rope_theta <= 1) {
      return InputError(where, "yarn rope scaling wants a rope theta above 1");
    }
  }
  struct Scalar {
    const char* name;
    double value;
  };
  for (const Scalar& scalar :
       {Scalar{"query scalar", c.query_scalar},
        Scalar{"scale of the embedding", c.embedding_scale},
        Scalar{"scale of attention", c.attention_scale},
        Scalar{"scale of the residual branches", c.residual_scale},
        Scalar{"soft cap of attention", c.attention_softcap},
        Scalar{"soft cap of logits", c.final_softcap}}) {
    if (!(scalar.value >= 0 && std::isfinite(scalar.value))) {
      return InputError(where, absl::StrCat(scalar.name, " ", scalar.value,
                                            " is not above 0"));
    }
  }
  if (!(c.logit_divisor > 0 && std::isfinite(c.logit_divisor))) {
    return InputError(where, absl::StrCat("divisor of logits ", c.logit_divisor,
                                          " is not above 0"));
  }
  if (!c.windowed.empty() && (c.window < 1 || c.window > kMaxPositions)) {
    return InputError(where, absl::StrCat("sliding window ", c.window,
                                          " is not from 1 to ", kMaxPositions));
  }
  return absl::OkStatus();
}

int64_t DecoderConfig::RotaryWidth() const {
  return static_cast<int64_t>(static_cast<double>(head_width) * rotary_share);
}

double DecoderConfig::AttentionScale() const {
  if (attention_scale > 0) return attention_scale;
  return 1.0 / std::sqrt(query_scalar > 0 ? query_scalar
                                          : static_cast<double>(head_width));
}

int64_t DecoderConfig::Reach() const {
  const RopeScaling& s = rope_scaling;
  double reach = static_cast<double>(max_positions);
  if (s.type == RopeType::kLinear || s.type == RopeType::kDynamic) {
    reach *= s.factor;
  } else if (s.type == RopeType::kYarn) {
    reach = std::max(reach, s.original_positions * s.factor);
  }
  return static_cast<int64_t>(
      std::min(reach, static_cast<double>(kMaxPositions)));
}

}  // namespace sft::model
