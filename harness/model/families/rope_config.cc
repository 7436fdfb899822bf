#include "harness/model/families/rope_config.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "harness/core/status.h"

namespace sft::model {
namespace {

constexpr char kOriginal[] = "original_max_position_embeddings";
constexpr char kShare[] = "partial_rotary_factor";

struct TypeName {
  RopeType type;
  const char* name;
};
constexpr TypeName kTypes[] = {
    {RopeType::kDefault, "default"}, {RopeType::kLinear, "linear"},
    {RopeType::kDynamic, "dynamic"}, {RopeType::kYarn, "yarn"},
    {RopeType::kLlama3, "llama3"},   {RopeType::kLongRope, "longrope"}};

// The first release of longrope called it so, and some of its files yarn.
constexpr char kOldLongRope[] = "su";

const TypeName* FindType(const formats::JsonFields& fields,
                         const nlohmann::json& name) {
  const bool is_long = name == kOldLongRope || fields.Has("long_factor");
  return std::find_if(
      std::begin(kTypes), std::end(kTypes), [&](const TypeName& row) {
        return is_long ? row.type == RopeType::kLongRope : name == row.name;
      });
}

// Whether original_positions counts.
bool HasOriginal(RopeType type) {
  return type == RopeType::kYarn || type == RopeType::kLlama3 ||
         type == RopeType::kLongRope;
}

absl::Status ReadPositive(const formats::JsonFields& fields, const char* key,
                          double& out) {
  SFT_RETURN_IF_ERROR(fields.Real(key, out));
  if (out > 0 && std::isfinite(out)) return absl::OkStatus();
  return fields.Wrong(key, "a number above 0");
}
absl::Status MayReadPositive(const formats::JsonFields& fields, const char* key,
                             double& out) {
  if (fields.Find(key) == nullptr) return absl::OkStatus();
  return ReadPositive(fields, key, out);
}

absl::Status ReadYarn(const formats::JsonFields& fields, RopeScaling& s) {
  SFT_RETURN_IF_ERROR(MayReadPositive(fields, "beta_fast", s.beta_fast));
  SFT_RETURN_IF_ERROR(MayReadPositive(fields, "beta_slow", s.beta_slow));
  SFT_RETURN_IF_ERROR(fields.Bool("truncate", s.truncate));
  // As in transformers, 0 counts as absent, and one without the other too.
  double mscale = 0, mscale_all = 0;
  if (fields.Find("mscale") != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Real("mscale", mscale));
  }
  if (fields.Find("mscale_all_dim") != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Real("mscale_all_dim", mscale_all));
  }
  s.attention_factor = mscale != 0 && mscale_all != 0
                           ? YarnAttentionFactor(s.factor, mscale) /
                                 YarnAttentionFactor(s.factor, mscale_all)
                           : YarnAttentionFactor(s.factor, 1);
  return MayReadPositive(fields, "attention_factor", s.attention_factor);
}

absl::Status ReadFactors(const formats::JsonFields& fields, const char* key,
                         std::vector<double>& out) {
  SFT_ASSIGN_OR_RETURN(const nlohmann::json* list, fields.Array(key));
  for (const nlohmann::json& factor : *list) {
    if (!factor.is_number() || !(factor.get<double>() > 0)) {
      return fields.Wrong(key, "a list of numbers above 0");
    }
    out.push_back(factor.get<double>());
  }
  return absl::OkStatus();
}

absl::Status ReadLongRope(const formats::JsonFields& fields,
                          int64_t max_positions, RopeScaling& s) {
  SFT_RETURN_IF_ERROR(ReadFactors(fields, "short_factor", s.short_factors));
  SFT_RETURN_IF_ERROR(ReadFactors(fields, "long_factor", s.long_factors));
  if (s.original_positions < 2) return fields.Wrong(kOriginal, "2 or more");
  s.factor = static_cast<double>(max_positions) / s.original_positions;
  SFT_RETURN_IF_ERROR(MayReadPositive(fields, "factor", s.factor));
  if (s.factor > 1) {
    s.attention_factor =
        std::sqrt(1 + std::log(s.factor) / std::log(s.original_positions));
  }
  return MayReadPositive(fields, "attention_factor", s.attention_factor);
}

absl::Status ReadScaling(const formats::JsonFields& fields,
                         int64_t max_positions, double outer_original,
                         RopeScaling& out) {
  RopeScaling s;
  const char* key = fields.Find("rope_type") != nullptr ? "rope_type" : "type";
  const nlohmann::json* name = fields.Find(key);
  const TypeName* known = name == nullptr ? kTypes : FindType(fields, *name);
  if (known == std::end(kTypes)) {
    return fields.Wrong(key,
                        "supported, only default, linear, dynamic, yarn, "
                        "llama3 and longrope");
  }
  s.type = known->type;
  if (s.type == RopeType::kDefault) {
    out = s;
    return absl::OkStatus();
  }
  s.original_positions = static_cast<double>(max_positions);
  if (HasOriginal(s.type)) {
    SFT_RETURN_IF_ERROR(
        MayReadPositive(fields, kOriginal, s.original_positions));
    if (outer_original > 0) s.original_positions = outer_original;
  }
  if (s.type == RopeType::kLongRope) {
    SFT_RETURN_IF_ERROR(ReadLongRope(fields, max_positions, s));
    out = std::move(s);
    return absl::OkStatus();
  }
  if (s.type == RopeType::kYarn && fields.Find("factor") == nullptr) {
    s.factor = static_cast<double>(max_positions) / s.original_positions;
  } else {
    SFT_RETURN_IF_ERROR(ReadPositive(fields, "factor", s.factor));
  }
  if (s.factor < 1) return fields.Wrong("factor", "1 or more");
  if (s.type == RopeType::kYarn) SFT_RETURN_IF_ERROR(ReadYarn(fields, s));
  if (s.type == RopeType::kLlama3) {
    SFT_RETURN_IF_ERROR(
        ReadPositive(fields, "low_freq_factor", s.low_frequency_factor));
    SFT_RETURN_IF_ERROR(
        ReadPositive(fields, "high_freq_factor", s.high_frequency_factor));
    if (s.high_frequency_factor <= s.low_frequency_factor) {
      return fields.Wrong("high_freq_factor", "above low_freq_factor");
    }
  }
  out = s;
  return absl::OkStatus();
}

// share: nullptr where all of a head must be rotated.
absl::Status ReadKind(const std::string& where, const nlohmann::json& rope,
                      int64_t max_positions, double outer_original,
                      double* share, double& theta, RopeScaling& scaling) {
  const formats::JsonFields fields(where, rope);
  if (share == nullptr) {
    SFT_RETURN_IF_ERROR(fields.Only(kShare, 1.0));
  } else {
    SFT_RETURN_IF_ERROR(MayReadPositive(fields, kShare, *share));
  }
  SFT_RETURN_IF_ERROR(
      ReadScaling(fields, max_positions, outer_original, scaling));
  if (fields.Find("rope_theta") == nullptr) return absl::OkStatus();
  return fields.Real("rope_theta", theta);
}

nlohmann::ordered_json ScalingJson(const RopeScaling& s) {
  nlohmann::ordered_json out;
  for (const TypeName& row : kTypes) {
    if (row.type == s.type) out["rope_type"] = row.name;
  }
  if (s.type == RopeType::kDefault) return out;
  out["factor"] = s.factor;
  if (s.type == RopeType::kLongRope) {
    out["short_factor"] = s.short_factors;
    out["long_factor"] = s.long_factors;
    out["attention_factor"] = s.attention_factor;
  }
  if (HasOriginal(s.type)) {
    out[kOriginal] = static_cast<int64_t>(s.original_positions);
  }
  if (s.type == RopeType::kLlama3) {
    out["low_freq_factor"] = s.low_frequency_factor;
    out["high_freq_factor"] = s.high_frequency_factor;
  }
  if (s.type == RopeType::kYarn) {
    out["attention_factor"] = s.attention_factor;
    out["beta_fast"] = s.beta_fast;
    out["beta_slow"] = s.beta_slow;
    out["truncate"] = s.truncate;
  }
  return out;
}

// One of the two keys, over what stands beside them.
absl::Status ReadKey(const std::string& where, const char* key,
                     const nlohmann::json& rope, double outer_original,
                     bool partly, DecoderConfig& c) {
  const std::string inner = absl::StrCat(where, ": ", key);
  const bool split =
      rope.contains(kFullAttention) || rope.contains(kSlidingAttention);
  if (c.local_rope_theta == 0 || !split) {
    return ReadKind(inner, rope, c.max_positions, outer_original,
                    partly ? &c.rotary_share : nullptr, c.rope_theta,
                    c.rope_scaling);
  }
  const formats::JsonFields kinds(inner, rope);
  struct Kind {
    const char* name;
    double& theta;
    RopeScaling& scaling;
  };
  for (const Kind& kind :
       {Kind{kFullAttention, c.rope_theta, c.rope_scaling},
        Kind{kSlidingAttention, c.local_rope_theta, c.local_rope_scaling}}) {
    const nlohmann::json* of_kind = kinds.Find(kind.name);
    if (of_kind == nullptr) continue;
    if (!of_kind->is_object()) return kinds.Wrong(kind.name, "an object");
    SFT_RETURN_IF_ERROR(ReadKind(
        absl::StrCat(inner, ": ", kind.name), *of_kind, c.max_positions,
        /*outer_original=*/0, /*share=*/nullptr, kind.theta, kind.scaling));
  }
  return absl::OkStatus();
}

// Whether rope_scaling, read as `scaling`, says what rope_parameters do. Where
// local layers rotate otherwise it is of the others alone, and adds to them.
bool SaysTheSame(const nlohmann::json& rope_scaling,
                 const DecoderConfig& parameters,
                 const DecoderConfig& scaling) {
  const bool adds =
      scaling.local_rope_theta > 0 && !rope_scaling.contains("rope_theta");
  return parameters.rope_scaling == scaling.rope_scaling &&
         parameters.rotary_share == scaling.rotary_share &&
         (adds || parameters.rope_theta == scaling.rope_theta);
}

}  // namespace

double YarnAttentionFactor(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

absl::Status ReadRope(const std::string& where,
                      const formats::JsonFields& fields,
                      const DecoderFamily& family, DecoderConfig& c) {
  const ConfigKeys& keys = family.keys;
  if (fields.Find(keys.rope_theta) != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Real(keys.rope_theta, c.rope_theta));
  }
  const bool partly = keys.rotary_share != nullptr;
  if (partly) {
    SFT_RETURN_IF_ERROR(
        MayReadPositive(fields, keys.rotary_share, c.rotary_share));
  }
  if (c.local_rope_theta > 0 &&
      fields.Find("rope_local_base_freq") != nullptr) {
    SFT_RETURN_IF_ERROR(
        fields.Real("rope_local_base_freq", c.local_rope_theta));
  }
  double outer_original = family.original_positions;
  SFT_RETURN_IF_ERROR(MayReadPositive(fields, kOriginal, outer_original));
  std::optional<DecoderConfig> read;
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    const nlohmann::json* rope = fields.Find(key);
    if (rope == nullptr) continue;
    if (!rope->is_object()) return fields.Wrong(key, "an object");
    if (rope->empty()) continue;
    DecoderConfig alone = c;
    SFT_RETURN_IF_ERROR(
        ReadKey(where, key, *rope, outer_original, partly, alone));
    if (read.has_value() && !SaysTheSame(*rope, *read, alone)) {
      return InputError(
          where,
          "keys \"rope_parameters\" and \"rope_scaling\" differ, and "
          "transformers takes the whole of rope_scaling: leave one out");
    }
    if (!read.has_value()) read = std::move(alone);
  }
  if (read.has_value()) c = *std::move(read);
  return absl::OkStatus();
}

void WriteRope(const DecoderFamily& family, const DecoderConfig& c,
               nlohmann::ordered_json& out) {
  const ConfigKeys& keys = family.keys;
  const auto parameters = [&](const RopeScaling& s, double theta) {
    nlohmann::ordered_json rope = ScalingJson(s);
    rope["rope_theta"] = theta;
    if (keys.rotary_share != nullptr) rope[kShare] = c.rotary_share;
    return rope;
  };
  out[keys.rope_theta] = c.rope_theta;
  if (keys.rotary_share != nullptr) out[keys.rotary_share] = c.rotary_share;
  // What transformers takes where it is not said must be said.
  if (family.original_positions > 0 &&
      c.rope_scaling.type == RopeType::kLongRope) {
    out[kOriginal] = static_cast<int64_t>(c.rope_scaling.original_positions);
  }
  out["rope_parameters"] = parameters(c.rope_scaling, c.rope_theta);
  if (c.rope_scaling.type != RopeType::kDefault) {
    out["rope_scaling"] = ScalingJson(c.rope_scaling);
  }
  if (c.local_rope_theta > 0) {
    out["rope_local_base_freq"] = c.local_rope_theta;
    out["rope_parameters"] = {
        {kFullAttention, out["rope_parameters"]},
        {kSlidingAttention,
         parameters(c.local_rope_scaling, c.local_rope_theta)}};
  }
}

}  // namespace sft::model
