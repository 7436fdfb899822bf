#include "harness/model/families/llama2c_config.h"

#include "harness/core/status.h"

namespace sft::model {

absl::StatusOr<DecoderConfig> ConfigFromLlama2c(
    const formats::Llama2cFile& file) {
  const formats::Llama2cHeader& header = file.header();
  DecoderConfig c;  // of the family that llama2.c computes
  c.layers = header.layers;
  c.width = header.width;
  c.heads = header.heads;
  c.kv_heads = header.kv_heads;
  c.head_width = header.head_width();
  c.ffn_width = header.ffn_width;
  c.vocabulary = header.vocabulary;
  c.max_positions = header.positions;
  c.norm_epsilon = 1e-5;  // written out in run.c, as the angles' base is
  c.rope_theta = 10000.0;
  c.tied_head = header.tied_head;
  c.bos = 1;
  c.eos = {2};
  SFT_RETURN_IF_ERROR(CheckConfig(file.path(), c));
  return c;
}

std::string Llama2cName(const formats::Llama2cTensor& tensor) {
  using formats::Llama2cPart;
  const auto layer = [&tensor](const char* part) {
    return absl::StrCat("model.layers.", tensor.layer, ".", part, ".weight");
  };
  switch (tensor.part) {
    case Llama2cPart::kEmbedding:
      return "model.embed_tokens.weight";
    case Llama2cPart::kAttentionNorm:
      return layer("input_layernorm");
    case Llama2cPart::kQuery:
      return layer("self_attn.q_proj");
    case Llama2cPart::kKey:
      return layer("self_attn.k_proj");
    case Llama2cPart::kValue:
      return layer("self_attn.v_proj");
    case Llama2cPart::kAttentionOutput:
      return layer("self_attn.o_proj");
    case Llama2cPart::kFfnNorm:
      return layer("post_attention_layernorm");
    case Llama2cPart::kGate:
      return layer("mlp.gate_proj");
    case Llama2cPart::kDown:
      return layer("mlp.down_proj");
    case Llama2cPart::kUp:
      return layer("mlp.up_proj");
    case Llama2cPart::kFinalNorm:
      return "model.norm.weight";
    case Llama2cPart::kHead:
      return "lm_head.weight";
  }
  return "";
}

}  // namespace sft::model
