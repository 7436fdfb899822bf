#include "harness/model/families/encoder_places.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_split.h"
#include "harness/core/status.h"
#include "harness/model/families/rope_config.h"

namespace sft::model {
namespace {

constexpr char kBothSides[] = "local_attention";  // both sides of it
constexpr char kGlobalPeriod[] = "global_attn_every_n_layers";
constexpr int64_t kDefaultPeriod = 3;
constexpr char kRopeParameters[] = "rope_parameters";
constexpr char kRopeScaling[] = "rope_scaling";

// A kind of layers: what the theta of its angles is called.
struct Thetas {
  const char* kind;
  const char* old_key;
  double EncoderConfig::*theta;
};
constexpr Thetas kThetas[] = {
    {kFullAttention, "global_rope_theta", &EncoderConfig::theta},
    {kSlidingAttention, "local_rope_theta", &EncoderConfig::window_theta}};

absl::Status ReadThetas(const formats::JsonFields& fields, EncoderConfig& c) {
  if (fields.Find(kRopeScaling) != nullptr) {
    return fields.Wrong(kRopeScaling, "supported");
  }
  const nlohmann::json* angles = fields.Find(kRopeParameters);
  for (const Thetas& row : kThetas) {
    if (fields.Find(row.old_key) != nullptr) {
      SFT_RETURN_IF_ERROR(fields.Real(row.old_key, c.*row.theta));
    }
    const nlohmann::json* own =
        angles == nullptr ? nullptr : formats::FindField(*angles, row.kind);
    if (own != nullptr) {
      const nlohmann::json* type = formats::FindField(*own, "rope_type");
      const nlohmann::json* theta = formats::FindField(*own, "rope_theta");
      if ((type != nullptr && *type != "default") ||
          (theta != nullptr && !theta->is_number())) {
        return fields.Wrong(kRopeParameters,
                            "of rope_type default, with rope_theta");
      }
      if (theta != nullptr) c.*row.theta = theta->get<double>();
    }
    if (!(c.*row.theta > 0 && c.*row.theta < 1e12)) {
      return fields.Wrong(own != nullptr ? kRopeParameters : row.old_key,
                          "of a theta above 0");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadWindowedLayers(const formats::JsonFields& fields,
                                EncoderConfig& c) {
  if (fields.Find(kBothSides) != nullptr) {
    int64_t both = 0;
    SFT_RETURN_IF_ERROR(fields.Int(kBothSides, both));
    if (both < 2 || both > kMaxSize)
      return fields.Wrong(kBothSides, "2 or more");
    c.window = both / 2;
  }
  c.windowed.assign(static_cast<size_t>(c.layers), false);
  if (const nlohmann::json* types = fields.Find("layer_types")) {
    if (!types->is_array() || types->size() != c.windowed.size()) {
      return fields.Wrong("layer_types", "a list of one a layer");
    }
    for (size_t i = 0; i < types->size(); ++i) {
      const nlohmann::json& type = (*types)[i];
      if (type != kFullAttention && type != kSlidingAttention) {
        return fields.Wrong("layer_types", "of full and sliding_attention");
      }
      c.windowed[i] = type == kSlidingAttention;
    }
    return absl::OkStatus();
  }
  int64_t period = kDefaultPeriod;
  if (fields.Find(kGlobalPeriod) != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Int(kGlobalPeriod, period));
    if (period < 1) return fields.Wrong(kGlobalPeriod, "1 or more");
  }
  for (int64_t i = 0; i < c.layers; ++i) c.windowed[i] = i % period != 0;
  return absl::OkStatus();
}

// Both ways round: "p2c|c2p", or a list.
absl::Status CheckScores(const formats::JsonFields& fields) {
  constexpr char kKey[] = "pos_att_type";
  const nlohmann::json* value = fields.Find(kKey);
  std::set<std::string> ways;
  if (value != nullptr && value->is_string()) {
    for (absl::string_view way :
         absl::StrSplit(value->get<std::string>(), '|')) {
      ways.emplace(absl::StripAsciiWhitespace(way));
    }
  } else if (value != nullptr && value->is_array()) {
    for (const nlohmann::json& way : *value) {
      if (way.is_string()) ways.insert(way.get<std::string>());
    }
  }
  if (ways == std::set<std::string>{"c2p", "p2c"}) return absl::OkStatus();
  return fields.Wrong(kKey, "supported, only c2p and p2c");
}

absl::Status ReadDistances(const formats::JsonFields& fields,
                           EncoderConfig& c) {
  SFT_RETURN_IF_ERROR(CheckScores(fields));
  SFT_RETURN_IF_ERROR(fields.Int("position_buckets", c.buckets));
  if (c.buckets < 4 || c.buckets > kMaxSize) {
    return fields.Wrong("position_buckets", "4 or more");
  }
  c.max_distance = c.position_rows;
  if (fields.Find("max_relative_positions") != nullptr) {
    int64_t most = 0;
    SFT_RETURN_IF_ERROR(fields.Int("max_relative_positions", most));
    if (most >= 1) c.max_distance = most;
  }
  // Else the logarithms' base is none.
  if (c.max_distance - 1 <= c.buckets / 2 || c.max_distance > kMaxSize) {
    return fields.Wrong("position_buckets",
                        "below twice the distances that there are");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadPlaces(const formats::JsonFields& fields, EncoderConfig& c) {
  if (!c.layout->distances.empty()) return ReadDistances(fields, c);
  if (!c.layout->rotates()) return absl::OkStatus();
  SFT_RETURN_IF_ERROR(ReadThetas(fields, c));
  return ReadWindowedLayers(fields, c);
}

void WritePlaces(const EncoderConfig& c, nlohmann::ordered_json& out) {
  if (!c.layout->distances.empty()) {
    out["pos_att_type"] = {"p2c", "c2p"};
    out["position_buckets"] = c.buckets;
    out["max_relative_positions"] = c.max_distance;
  }
  if (!c.layout->rotates()) return;
  out[kBothSides] = 2 * c.window;
  nlohmann::ordered_json types = nlohmann::ordered_json::array(), angles;
  for (const bool windowed : c.windowed) {
    types.push_back(windowed ? kSlidingAttention : kFullAttention);
  }
  // The period that gives these layers, if one does: older readers know no
  // list.
  const size_t period = static_cast<size_t>(
      std::find(c.windowed.begin() + 1, c.windowed.end(), false) -
      c.windowed.begin());
  bool is_periodic = true;
  for (size_t i = 0; i < c.windowed.size(); ++i) {
    is_periodic = is_periodic && c.windowed[i] == (i % period != 0);
  }
  if (is_periodic) out[kGlobalPeriod] = period;
  out["layer_types"] = std::move(types);
  for (const Thetas& row : kThetas) {
    out[row.old_key] = c.*row.theta;
    angles[row.kind] = {{"rope_type", "default"}, {"rope_theta", c.*row.theta}};
  }
  out[kRopeParameters] = std::move(angles);
}

}  // namespace sft::model
