// Angles of rotary positions, plain and scaled: linear (position
// interpolation), dynamic (NTK-aware), YaRN (arXiv 2309.00071), Llama 3.1's and
// LongRoPE (arXiv 2402.13753). Equal to transformers 5.24's
// modeling_rope_utils.
// B sequences, T tokens, H head width.
#ifndef HARNESS_MODEL_OPS_ROPE_H_
#define HARNESS_MODEL_OPS_ROPE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "harness/model/ops/ops.h"

namespace sft::model {

enum class RopeType { kDefault, kLinear, kDynamic, kYarn, kLlama3, kLongRope };

struct RopeScaling {
  RopeType type = RopeType::kDefault;
  double factor = 1;
  // Positions that the unscaled angles were trained for; none of linear.
  double original_positions = 0;
  double low_frequency_factor = 1, high_frequency_factor = 4;  // llama3
  double beta_fast = 32, beta_slow = 1;                        // yarn
  bool truncate = true;                                        // yarn
  // longrope: divisors [H/2] of a sequence's angles, by whether it is longer
  // than original_positions.
  std::vector<double> short_factors = {}, long_factors = {};
  double attention_factor = 1;  // of cos and sin: yarn's, longrope's
  bool operator==(const RopeScaling&) const = default;
};

// Whether the angles depend on the length of a token's sequence.
bool ScalesByLength(const RopeScaling& scaling);

// Angles a position [H/2] of every type that does not scale by length, in the
// options' dtype. H is what is rotated of a head.
at::Tensor RopeFrequencies(const RopeScaling& scaling, int64_t head_width,
                           double theta, const at::TensorOptions& options);

// cos and sin of positions int64 [B, T]. length_BT (int64, like the positions;
// read where the angles scale by length): tokens of the sequence of which a
// token is one, as far as the model has read it.
RotaryTable MakeScaledRotaryTable(const at::Tensor& position_ids_BT,
                                  const at::Tensor& length_BT,
                                  int64_t head_width, double theta,
                                  const RopeScaling& scaling,
                                  at::ScalarType dtype);

// For scaling by length, [B, T] on the CPU: of each token of `batch` the length
// of its sequence; of sequences that share a prompt (Batch::prefixes) the
// longest, as if they were read together.
at::Tensor SequenceLengths(const Batch& batch);

}  // namespace sft::model

#endif  // HARNESS_MODEL_OPS_ROPE_H_
