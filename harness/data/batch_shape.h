// Flat batches of few shapes. What a device does in a pass depends on the
// sizes of a batch alone where nothing is read back: batches that are filled up
// to one shape can share a captured pass.
#ifndef HARNESS_DATA_BATCH_SHAPE_H_
#define HARNESS_DATA_BATCH_SHAPE_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "harness/core/batch.h"

namespace sft::data {

// What a flat batch holds, or has room for.
struct BatchShape {
  int64_t tokens = 0;
  int64_t sequences = 0;
  int64_t targets = 0;
  int64_t longest = 0;  // tokens of the longest sequence
  auto operator<=>(const BatchShape&) const = default;
};

// For each batch the shape to fill it up to, or none where fewer than
// `least_uses` batches would share it. A shape has the tokens of its batches
// rounded up to an eighth of the largest batch (a multiple of 64), and room for
// the most sequences, targets and the longest sequence among them. Depends on
// the sizes alone, so that a resumed run fills up alike.
std::vector<std::optional<BatchShape>> SharedShapes(
    const std::vector<BatchShape>& batches, int64_t least_uses);

// The batch on the CPU with its target rows found.
Batch WithTargets(Batch batch);

// A flat batch on the CPU, filled up to a shape that SharedShapes gave it:
// further sequences of token 0 without a target, then empty ones, and targets
// that count for nothing. Loss and gradients are those of the batch; what it
// says of its real tokens, targets and rows stays.
Batch FilledUp(Batch batch, const BatchShape& shape);

}  // namespace sft::data

#endif  // HARNESS_DATA_BATCH_SHAPE_H_
