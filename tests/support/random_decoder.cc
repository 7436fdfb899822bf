#include "tests/support/random_decoder.h"

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <utility>

#include "harness/core/tensor_allocator.h"
#include "harness/model/families/config.h"
#include "harness/model/forward/decoder.h"

namespace sft::support {

std::unique_ptr<model::Model> RandomDecoder(const DecoderSize& size,
                                            at::ScalarType compute,
                                            at::Device device) {
  const MemoryScope weights(MemoryUse::kWeights);
  at::manual_seed(1);
  model::DecoderConfig config;
  config.layers = size.layers;
  config.width = size.width;
  config.heads = size.heads;
  config.kv_heads = size.kv_heads;
  config.head_width = size.width / size.heads;
  config.ffn_width = size.ffn_width;
  config.vocabulary = size.vocabulary;
  config.max_positions = 4096;
  config.tied_head = true;
  std::map<std::string, at::Tensor> tensors;
  for (const model::ParameterShape& shape : model::DecoderParameters(config)) {
    const at::Tensor made = shape.shape.size() == 1
                                ? at::ones(shape.shape)
                                : at::randn(shape.shape).mul_(0.02);
    tensors[shape.name] = made.to(device);
  }
  model::ModelInfo info;
  info.name = size.name;
  return std::make_unique<model::Decoder>(config, info, compute,
                                          std::move(tensors));
}

Example RandomRow(int64_t length, int64_t vocabulary, Rng& rng) {
  Example row;
  for (int64_t t = 0; t < length; ++t) {
    row.input_ids.push_back(
        static_cast<int32_t>(rng.Below(static_cast<uint64_t>(vocabulary))));
    row.labels.push_back(4 * t < length || t == 0 ? kNoLoss
                                                  : row.input_ids.back());
  }
  return row;
}

}  // namespace sft::support
