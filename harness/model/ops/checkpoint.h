// Activation checkpointing: memory for a second forward pass.
#ifndef HARNESS_MODEL_OPS_CHECKPOINT_H_
#define HARNESS_MODEL_OPS_CHECKPOINT_H_

#include <ATen/core/Tensor.h>

#include <functional>

namespace sft::model {

using BlockFn = std::function<at::Tensor(const at::Tensor& x)>;

// block(x), of which only x is kept; backward runs the block once more and
// accumulates into the leaves inside it. Call only where the block or x needs
// a gradient. `block` must compute the same bits again, so it holds by value
// whatever may change until then.
at::Tensor Checkpointed(const at::Tensor& x, BlockFn block);

}  // namespace sft::model

#endif  // HARNESS_MODEL_OPS_CHECKPOINT_H_
