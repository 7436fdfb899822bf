// A model as its headers have it, without a weight.
#ifndef HARNESS_MODEL_LOAD_OUTLINE_H_
#define HARNESS_MODEL_LOAD_OUTLINE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "harness/model/load/weights.h"
#include "harness/model/model.h"

namespace sft::model {

// Every slot, parameter and size of the model that `config` describes; its
// tensors have neither values nor storage (LibTorch's meta device). What a
// method would hold and train of it can be counted; it computes nothing.
absl::StatusOr<std::unique_ptr<Model>> OutlineModel(
    const ModelConfig& config, const std::string& name,
    at::ScalarType compute_dtype);

}  // namespace sft::model

#endif  // HARNESS_MODEL_LOAD_OUTLINE_H_
