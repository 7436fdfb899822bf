#include "harness/model/families/gguf_families.h"

namespace sft::model {

const std::vector<GgufFamily>& GgufFamilies() {
  using enum GgufFamily::TiedHead;
  static const auto& rows = *new std::vector<GgufFamily>{
      {.family = "llama",
       .architecture = "llama",
       .interleaved = true,
       .output_bias = true,
       .mlp_bias = true},
      {.family = "mistral", .architecture = "llama", .interleaved = true},
      {.family = "qwen2", .architecture = "qwen2"},
      {.family = "qwen3", .architecture = "qwen3"},
      {.family = "smollm3",
       .architecture = "smollm3",
       .interleaved = true,
       .unrotated_every = 4},
      {.family = "granite",
       .architecture = "granite",
       .interleaved = true,
       .output_bias = true,
       .mlp_bias = true,
       .has_scales = true},
      {.family = "olmo2", .architecture = "olmo2", .tied_head = kWrittenTwice},
      {.family = "phi3", .architecture = "phi3"},
      {.family = "gemma", .architecture = "gemma", .tied_head = kAlways},
      {.family = "gemma2",
       .architecture = "gemma2",
       .tied_head = kAlways,
       .has_windows = true,
       .layers_scaled_by_width = 46},
      {.family = "gemma3_text",
       .architecture = "gemma3",
       .has_windows = true,
       .layers_scaled_by_width = 62},
      {.family = "gpt2",
       .architecture = "gpt2",
       .output_bias = true,
       .mlp_bias = true},
      {.family = "gpt_neox",
       .architecture = "gptneox",
       .tied_head = kWrittenTwice,
       .output_bias = true,
       .mlp_bias = true,
       .has_parallel = true},
  };
  return rows;
}

const GgufFamily* FindGgufFamily(std::string_view family) {
  for (const GgufFamily& row : GgufFamilies()) {
    if (row.family == family) return &row;
  }
  return nullptr;
}

}  // namespace sft::model
