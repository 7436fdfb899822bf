// The block of a decoder, described once: what its maps and norms are and in
// which order they act follows from the layout. Two sets of operations compute
// it: tensors with gradients (decoder_forward.cc), and the few raw rows of a
// generation's step (decode_step.cc).
#ifndef HARNESS_MODEL_FORWARD_DECODER_BLOCK_H_
#define HARNESS_MODEL_FORWARD_DECODER_BLOCK_H_

#include <array>

#include "harness/model/families/config.h"

namespace sft::model {

// Of a block's second half: what the maps behind m give.
template <class Ops>
typename Ops::Value FeedForward(const DecoderLayout& layout, Ops& ops,
                                const typename Ops::Value& m) {
  using Value = typename Ops::Value;
  if (layout.MapIndex(Role::kGateUp) >= 0) {
    const std::array<Value, 2> pair = ops.SplitGate(ops.Map(Role::kGateUp, m));
    return ops.Map(Role::kDown, ops.Gated(pair[0], pair[1]));
  }
  if (layout.MapIndex(Role::kGate) < 0) {
    return ops.Map(Role::kDown, ops.Activated(ops.Map(Role::kUp, m)));
  }
  const Value gate = ops.Map(Role::kGate, m);
  const Value up = ops.Map(Role::kUp, m);
  return ops.Map(Role::kDown, ops.Gated(gate, up));
}

// Of its first half: what the output map gives. Queries and keys as the maps
// gave them are gone when it returns.
template <class Ops>
typename Ops::Value Attention(const DecoderLayout& layout, Ops& ops,
                              const typename Ops::Value& x) {
  using Value = typename Ops::Value;
  const Value h = ops.Norm(NormPlace::kBeforeAttention, x);
  const std::array<Value, 3> qkv =
      layout.MapIndex(Role::kQkv) >= 0
          ? ops.Split(ops.Map(Role::kQkv, h))
          : std::array<Value, 3>{ops.Map(Role::kQuery, h),
                                 ops.Map(Role::kKey, h),
                                 ops.Map(Role::kValue, h)};
  const Value q = ops.Placed(NormPlace::kQuery, qkv[0]);
  const Value k = ops.Placed(NormPlace::kKey, qkv[1]);
  return ops.Map(Role::kOutput, ops.Attend(q, k, qkv[2]));
}

// The residual stream behind the block of x. `Ops` has a Value and
//   Norm(place, x)     of the residual stream, in the compute dtype, and
//   NormSum(place, x)  of what is added to it, in the master dtype; both x
//                      itself where the layout has no such norm
//   Map(role, x)       the layer's linear map
//   Split(x)           what kQkv gives, as queries, keys and values
//   SplitGate(x)       what kGateUp gives, as gate and up
//   Placed(place, x)   queries or keys, normed, at their positions
//   Attend(q, k, v)    what the heads have seen
//   Gated(gate, up), Activated(up)
//   Add(x, more)       x plus what a branch gives, times the residual scale
// A Value may be a buffer that a later operation of the same kind writes anew,
// so none is used behind the next one of its kind.
template <class Ops>
typename Ops::Value RunBlock(const DecoderConfig& config, Ops& ops,
                             typename Ops::Value x) {
  using Value = typename Ops::Value;
  const DecoderLayout& layout = *config.layout;
  const auto first = [&] {
    return ops.NormSum(NormPlace::kAfterAttention, Attention(layout, ops, x));
  };
  const auto second = [&](const Value& m) {
    return ops.NormSum(NormPlace::kAfterFeedForward,
                       FeedForward(layout, ops, m));
  };
  if (config.parallel) {
    // The second half reads what the first has read.
    const Value added = first();
    const Value m = ops.Norm(NormPlace::kBeforeFeedForward, x);
    x = ops.Add(x, added);
    return ops.Add(x, second(m));
  }
  x = ops.Add(x, first());
  const Value m = ops.Norm(NormPlace::kBeforeFeedForward, x);
  return ops.Add(x, second(m));
}

}  // namespace sft::model

#endif  // HARNESS_MODEL_FORWARD_DECODER_BLOCK_H_
