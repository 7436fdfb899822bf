// The shape of a decoder, out of config.json (gguf_config.h: out of a GGUF
// file's keys); what its family lacks here (experts) is refused in one line.
#ifndef HARNESS_MODEL_FAMILIES_CONFIG_H_
#define HARNESS_MODEL_FAMILIES_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/kernels/attention/attention.h"
#include "harness/model/families/layout.h"
#include "harness/model/ops/ops.h"
#include "harness/model/ops/rope.h"

namespace sft::model {

enum class NormKind {
  kRms,
  kRmsPlusOne,  // RMSNorm times 1 + w
  kLayer        // with a bias
};

struct DecoderConfig {
  std::string family = "llama";
  const DecoderLayout* layout = &LlamaLayout();
  NormKind norm = NormKind::kRms;
  Activation activation = Activation::kSilu;
  int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_width = 0;
  int64_t ffn_width = 0, vocabulary = 0, max_positions = 0;
  double norm_epsilon = 1e-6;
  double rope_theta = 10000.0;
  double local_rope_theta = 0;  // of layers with a window; 0 = rope_theta
  RopeScaling rope_scaling, local_rope_scaling;
  double rotary_share = 1;      // of a head's width that is rotated
  std::vector<bool> unrotated;  // a layer each; empty = all are rotated
  int64_t position_offset = 0;  // rows of learned positions before the first
  bool parallel = false;        // attention and feed-forward read the same x
  double embedding_scale = 1;
  double residual_scale = 1;  // of what attention and feed-forward add
  double logit_divisor = 1;
  double attention_scale = 0;  // of scores; 0: by query_scalar
  double query_scalar = 0;     // scores are divided by its root; 0 = head_width
  double attention_softcap = 0, final_softcap = 0;  // 0 = none
  int64_t window = 0;          // tokens that a layer with a window sees
  std::vector<bool> windowed;  // a layer each; empty = none has a window
  bool tied_head = false;
  bool attention_bias = false;  // q, k, v, o
  bool output_bias = true;      // o, where attention_bias
  bool mlp_bias = false;        // gate, up, down
  std::optional<int64_t> bos, pad;
  std::vector<int64_t> eos;

  kernels::AttentionShape ShapeOf(int64_t layer) const {
    const bool has = !windowed.empty() && windowed[layer];
    return {has ? window : 0, attention_softcap};
  }
  double AttentionScale() const;
  int64_t RotaryWidth() const;
  bool Rotates(int64_t layer) const {
    return layout->positions.empty() &&
           (unrotated.empty() || !unrotated[layer]);
  }
  // How many tokens of a sequence have a position: with scaled angles more
  // than max_positions, where that is the length before scaling.
  int64_t Reach() const;
};

// Sizes in bounds and fitting each other.
absl::Status CheckConfig(const std::string& where, const DecoderConfig& config);
// `where` names the file in errors.
absl::StatusOr<DecoderConfig> ConfigFromJson(const std::string& where,
                                             const std::string& text);
// A config.json that transformers loads as the same architecture; `dtype` is
// "float32" or "float64".
std::string ConfigToJson(const DecoderConfig& config, const std::string& dtype);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_CONFIG_H_
