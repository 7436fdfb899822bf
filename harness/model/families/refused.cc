#include "harness/model/families/refused.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/json_fields.h"

namespace sft::model {
namespace {

constexpr size_t kShownNameBytes = 60;

struct RefusedKind {
  std::string_view what;
  std::string_view why;
  std::vector<std::string_view> names;  // "model_type"
  std::vector<std::string_view> keys;   // a number above `least`, or true
  int64_t least = 0;
};

const std::vector<RefusedKind>& RefusedKinds() {
  static const auto& kinds = *new std::vector<RefusedKind>{
      {.what = "a state-space or recurrent model",
       .why = "its layers carry a state from token to token where this program "
              "has attention, so that neither packed rows nor the cache of a "
              "generation would be right",
       .names = {"bamba", "falcon_h1", "falcon_mamba", "granitemoehybrid",
                 "jamba", "lfm2", "lfm2_moe", "mamba", "mamba2", "minimax",
                 "nemotron_h", "qwen3_next", "recurrent_gemma", "rwkv", "xlstm",
                 "zamba", "zamba2"},
       .keys = {"mamba_d_state", "ssm_state_size", "state_size",
                "linear_num_key_heads"}},
      {.what = "a mixture of experts",
       .why =
           "a router sends each token through some of its feed-forward maps, "
           "and no method here says how a router and seldom used experts are "
           "trained",
       .names = {"dbrx", "deepseek_v2", "deepseek_v3", "ernie4_5_moe",
                 "flex_olmo", "glm4_moe", "gpt_oss", "granitemoe",
                 "granitemoeshared", "hunyuan_v1_moe", "llama4", "llama4_text",
                 "mixtral", "olmoe", "phimoe", "qwen2_moe", "qwen3_moe"},
       .keys = {"moe_num_experts", "n_routed_experts", "num_experts",
                "num_local_experts"},
       .least = 1},
      {.what = "an encoder-decoder model",
       .why = "it reads the source and writes the target in two halves, and "
              "rows here are one text",
       .names = {"bart", "led", "m2m_100", "marian", "mbart", "mt5", "pegasus",
                 "t5", "umt5"},
       .keys = {"is_encoder_decoder"}}};
  return kinds;
}

std::string NameIn(const nlohmann::json& config) {
  const nlohmann::json* name = formats::FindField(config, "model_type");
  if (name != nullptr && name->is_string()) return name->get<std::string>();
  name = formats::FindField(config, "architectures");
  return name == nullptr ? "the model" : formats::JsonText(*name);
}

bool HasKey(const nlohmann::json& config, const RefusedKind& kind) {
  return std::any_of(
      kind.keys.begin(), kind.keys.end(), [&](std::string_view key) {
        const nlohmann::json* value =
            formats::FindField(config, std::string(key).c_str());
        if (value == nullptr) return false;
        return value->is_boolean()
                   ? value->get<bool>()
                   : value->is_number() &&
                         value->get<double>() > static_cast<double>(kind.least);
      });
}

}  // namespace

std::string WhyRefused(const nlohmann::json& config) {
  const std::string name = NameIn(config);
  const auto say = [&name](const RefusedKind& kind) {
    return absl::StrCat(name.substr(0, kShownNameBytes), " is ",
                        ToAbsl(kind.what), ": ", ToAbsl(kind.why));
  };
  for (const RefusedKind& kind : RefusedKinds()) {
    if (std::count(kind.names.begin(), kind.names.end(), name) > 0) {
      return say(kind);
    }
  }
  for (const RefusedKind& kind : RefusedKinds()) {
    if (HasKey(config, kind)) return say(kind);
  }
  return "";
}

}  // namespace sft::model
