// The shape of a decoder of the Llama family, out of config.json or of a GGUF
// file's keys; what the family lacks here (rope scaling, experts, windows) is
// refused in one line.
#ifndef HARNESS_MODEL_CONFIG_H_
#define HARNESS_MODEL_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/model/gguf.h"

namespace sft {

struct DecoderConfig {
  std::string family = "llama";
  int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_width = 0;
  int64_t ffn_width = 0, vocabulary = 0, max_positions = 0;
  double norm_epsilon = 1e-6;
  double rope_theta = 10000.0;
  bool tied_head = false;
  bool attention_bias = false;  // q, k, v, o
  bool mlp_bias = false;        // gate, up, down
  std::optional<int64_t> bos, pad;
  std::vector<int64_t> eos;
};

// `where` names the file in errors.
absl::StatusOr<DecoderConfig> ConfigFromJson(const std::string& where,
                                             const std::string& text);
absl::StatusOr<DecoderConfig> ConfigFromGguf(const GgufFile& file);
// A config.json that transformers loads as LlamaForCausalLM; `dtype` is
// "float32" or "float64".
std::string ConfigToJson(const DecoderConfig& config, const std::string& dtype);

// Which parameter of the Hugging Face layout a GGUF tensor is; "" if none.
std::string HuggingFaceName(const std::string& gguf_name);

}  // namespace sft

#endif  // HARNESS_MODEL_CONFIG_H_
