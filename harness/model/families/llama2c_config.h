// A llama2.c file as the decoder it holds: its shape, and what transformers
// calls its tensors.
#ifndef HARNESS_MODEL_FAMILIES_LLAMA2C_CONFIG_H_
#define HARNESS_MODEL_FAMILIES_LLAMA2C_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "harness/formats/llama2c.h"
#include "harness/model/families/config.h"

namespace sft::model {

absl::StatusOr<DecoderConfig> ConfigFromLlama2c(
    const formats::Llama2cFile& file);
std::string Llama2cName(const formats::Llama2cTensor& tensor);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_LLAMA2C_CONFIG_H_
