// A decoder as a GGUF file that llama.cpp opens: matrices in one type, vectors
// and learned positions in f32, names and order of rows as its converter has
// them. Tensors go through one by one: a merged or quantized model is never
// there twice.
#ifndef HARNESS_MODEL_LOAD_GGUF_OUT_H_
#define HARNESS_MODEL_LOAD_GGUF_OUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/formats/dequant.h"
#include "harness/formats/gguf_writer.h"
#include "harness/model/model.h"

namespace sft::model {

// `more` are keys of the name and the tokenizer. A matrix whose rows `matrices`
// does not divide is f16. Returns what llama.cpp computes otherwise than this
// program, a line each; InvalidArgument for a model that it does not know.
absl::StatusOr<std::vector<std::string>> WriteGgufModel(
    Model& model, const formats::StorageType& matrices,
    const formats::GgufKeys& more, const std::string& path);

}  // namespace sft::model

#endif  // HARNESS_MODEL_LOAD_GGUF_OUT_H_
