#include "harness/model/load/outline.h"

#include <ATen/ATen.h>

#include <map>
#include <utility>
#include <vector>

#include "harness/core/catch_torch.h"
#include "harness/core/status.h"
#include "harness/model/forward/decoder.h"
#include "harness/model/forward/encoder.h"

namespace sft::model {
namespace {

std::map<std::string, at::Tensor> OutlinesOf(
    const std::vector<ParameterShape>& parameters, at::ScalarType master) {
  const auto options = at::TensorOptions(at::kMeta).dtype(master);
  std::map<std::string, at::Tensor> tensors;
  for (const ParameterShape& row : parameters) {
    tensors.emplace(row.name, at::empty(row.shape, options));
  }
  return tensors;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> OutlineModel(
    const ModelConfig& config, const std::string& name,
    at::ScalarType compute_dtype) {
  const at::ScalarType master =
      compute_dtype == at::kDouble ? at::kDouble : at::kFloat;
  ModelInfo info;
  info.name = name;
  std::unique_ptr<Model> model;
  SFT_RETURN_IF_ERROR(CatchTorch([&] {
    if (const auto* encoder = std::get_if<EncoderConfig>(&config)) {
      model = std::make_unique<Encoder>(
          *encoder, std::move(info), compute_dtype,
          OutlinesOf(EncoderParameters(*encoder), master));
    } else {
      const auto& decoder = std::get<DecoderConfig>(config);
      model = std::make_unique<Decoder>(
          decoder, std::move(info), compute_dtype,
          OutlinesOf(DecoderParameters(decoder), master));
    }
    return absl::OkStatus();
  }));
  return model;
}

}  // namespace sft::model
