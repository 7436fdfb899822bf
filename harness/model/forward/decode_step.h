// A generation's steps of few rows on the CPU by kernels alone, without the
// operators' dispatch and allocations. Activations lie in f32 buffers and hold
// values of the compute dtype.
// M tokens, D width, V vocabulary.
#ifndef HARNESS_MODEL_FORWARD_DECODE_STEP_H_
#define HARNESS_MODEL_FORWARD_DECODE_STEP_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "harness/model/forward/decoder.h"
#include "harness/model/forward/kv_cache.h"

namespace sft::model {

// Tokens up to which a step runs on kernels of its own: above it a weight is
// read for so many rows that a matrix product is faster.
inline constexpr int64_t kMostStepRows = 16;

class Decoder::RowStep {
 public:
  explicit RowStep(Decoder& decoder) : decoder_(decoder) {}

  // Whether a step of so many tokens can be made here.
  bool Serves(int64_t tokens) const;
  // [M, V], of what follows each token; they live until the next call.
  at::Tensor Logits(const StepTokens& tokens, KvCache& cache);

 private:
  class Block;

  void Prepare();
  // Norm `index` of the decoder's layers, or the last one behind them; to the
  // compute dtype where `round`. y may be x.
  void NormRows(int64_t index, const float* x, int64_t rows, int64_t width,
                bool round, float* y);

  // Kept between steps, so that one allocates next to nothing: buffers, and
  // weights in the form that multiplies.
  Decoder& decoder_;
  at::Tensor head_VD_;  // in the compute dtype
  at::Tensor logits_MV_;
  std::vector<at::Tensor> norms_;  // f32, a norm of the layers each; then the
                                   // last one
  // Values of the compute dtype (`sum`: of the master's) in f32.
  std::vector<float> normed_, added_, queries_, keys_, values_, fused_, part_,
      turned_, seen_, sum_, gate_, up_, rstd_;
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_FORWARD_DECODE_STEP_H_
