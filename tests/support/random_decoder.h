// Llama-shaped decoders of any size on random weights.
#ifndef TESTS_SUPPORT_RANDOM_DECODER_H_
#define TESTS_SUPPORT_RANDOM_DECODER_H_

#include <cstdint>
#include <memory>

#include "harness/core/batch.h"
#include "harness/core/rng.h"
#include "harness/model/model.h"

namespace sft::support {

struct DecoderSize {
  const char* name;
  int64_t layers, width, heads, kv_heads, ffn_width, vocabulary;
};
inline constexpr DecoderSize kSize135M = {"135M", 30, 576, 9, 3, 1536, 49152};

// Master weights f32, drawn from N(0, 0.02), the same at every call.
std::unique_ptr<model::Model> RandomDecoder(const DecoderSize& size,
                                            at::ScalarType compute,
                                            at::Device device = at::kCPU);

// A row of random ids; the last three quarters are targets.
Example RandomRow(int64_t length, int64_t vocabulary, Rng& rng);

}  // namespace sft::support

#endif  // TESTS_SUPPORT_RANDOM_DECODER_H_
