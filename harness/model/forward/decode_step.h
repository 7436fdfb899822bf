// What the steps of one generation keep between them, so that a step allocates
// next to nothing: buffers, and weights in the form that multiplies.
// B rows, D width, V vocabulary.
#ifndef HARNESS_MODEL_FORWARD_DECODE_STEP_H_
#define HARNESS_MODEL_FORWARD_DECODE_STEP_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace sft::model {

// Rows up to which a step runs on kernels of its own (Decoder::StepRows): above
// it a weight is read for so many rows that a matrix product is faster.
inline constexpr int64_t kMostStepRows = 16;

struct StepRoom {
  at::Tensor head_VD;  // in the compute dtype
  at::Tensor logits_BV;
  std::vector<at::Tensor> norms;  // f32, a norm of the layers each; then the
                                  // last one
  // Values of the compute dtype (`x` and `sum`: of the master's) in f32.
  std::vector<float> normed, queries, keys, values, turned, seen, sum, gate, up,
      rstd;

  static float* At(std::vector<float>& buffer, int64_t floats) {
    if (static_cast<int64_t>(buffer.size()) < floats) {
      buffer.resize(static_cast<size_t>(floats));
    }
    return buffer.data();
  }
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_FORWARD_DECODE_STEP_H_
