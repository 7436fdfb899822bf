#include "harness/model/families/gguf_families.h"

namespace sft::model {

const std::vector<GgufFamily>& GgufFamilies() {
  using enum GgufFamily::TiedHead;
  static const auto& rows = *new std::vector<GgufFamily>{
      {.family = "llama",
       .architecture = "llama",
       .interleaved = true,
       .output_bias = true},
      {.family = "mistral", .architecture = "llama", .interleaved = true},
      {.family = "qwen2", .architecture = "qwen2"},
      {.family = "qwen3", .architecture = "qwen3"},
      {.family = "gemma2",
       .architecture = "gemma2",
       .tied_head = kAlways,
       .has_windows = true,
       .layers_scaled_by_width = 46},
      {.family = "gemma3_text",
       .architecture = "gemma3",
       .has_windows = true,
       .layers_scaled_by_width = 62},
      {.family = "gpt2", .architecture = "gpt2", .output_bias = true},
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
