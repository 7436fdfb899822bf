#include "harness/model/families/gguf_places.h"

#include "harness/core/status.h"
#include "harness/model/families/gguf_families.h"

namespace sft::model {
namespace {

std::string_view GgufPart(NormPlace place) {
  switch (place) {
    case NormPlace::kBeforeAttention:
      return "attn_norm";
    case NormPlace::kAfterAttention:
      return "post_attention_norm";
    case NormPlace::kBeforeFeedForward:
      return "ffn_norm";
    case NormPlace::kAfterFeedForward:
      return "post_ffw_norm";
    case NormPlace::kQuery:
      return "attn_q_norm";
    case NormPlace::kKey:
      return "attn_k_norm";
  }
  return "";
}

// Weight and bias of a part.
void AddPart(std::string_view name, GgufPlace place,
             std::map<std::string, GgufPlace>& out) {
  const std::string part = place.name;
  place.name = WeightName(part);
  out.emplace(WeightName(name), place);
  place.name = BiasName(part);
  place.shift = 0;
  out.emplace(BiasName(name), place);
}

}  // namespace

std::string_view GgufPart(Role role) {
  switch (role) {
    case Role::kQuery:
      return "attn_q";
    case Role::kKey:
      return "attn_k";
    case Role::kValue:
      return "attn_v";
    case Role::kQkv:
      return "attn_qkv";
    case Role::kOutput:
      return "attn_output";
    case Role::kGate:
      return "ffn_gate";
    case Role::kUp:
    case Role::kGateUp:
      return "ffn_up";
    default:
      return "ffn_down";
  }
}

int64_t GgufRows::Ours(int64_t row) const {
  if (order == Order::kPairs) {
    const int64_t within = row % head_width;
    return row - within + within % 2 * (head_width / 2) + within / 2;
  }
  if (order == Order::kParts) {
    const int64_t part = row / (heads * head_width);
    const int64_t head = row / head_width % heads;
    return (head * 3 + part) * head_width + row % head_width;
  }
  return row;
}

std::map<std::string, GgufPlace> GgufPlaces(const DecoderConfig& c) {
  const DecoderLayout& layout = *c.layout;
  const GgufFamily* gguf = FindGgufFamily(c.family);
  const bool interleaved = gguf != nullptr && gguf->interleaved;
  const float shift = c.norm == NormKind::kRmsPlusOne ? 1.0F : 0.0F;
  std::map<std::string, GgufPlace> out;
  out[WeightName(layout.embedding)].name = "token_embd.weight";
  if (!layout.positions.empty()) {
    out[WeightName(layout.positions)].name = "position_embd.weight";
  }
  AddPart(layout.final_norm, {"output_norm", {}, shift}, out);
  out[WeightName(layout.head)].name = "output.weight";
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string block = absl::StrCat("blk.", layer, ".");
    for (const DecoderLayout::Map& map : layout.maps) {
      GgufPlace place;
      place.name = absl::StrCat(block, ToAbsl(GgufPart(map.role)));
      place.rows = {GgufRows::Order::kSame, c.heads, c.head_width};
      if (interleaved && (map.role == Role::kQuery || map.role == Role::kKey)) {
        place.rows.order = GgufRows::Order::kPairs;
      }
      if (map.role == Role::kQkv && layout.qkv_by_head) {
        place.rows.order = GgufRows::Order::kParts;
      }
      AddPart(layout.LayerName(layer, map.name), place, out);
    }
    for (const DecoderLayout::Norm& norm : layout.norms) {
      AddPart(layout.LayerName(layer, norm.name),
              {absl::StrCat(block, ToAbsl(GgufPart(norm.place))), {}, shift},
              out);
    }
  }
  return out;
}

}  // namespace sft::model
