#include "harness/data/batch_shape.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <map>
#include <utility>

namespace sft::data {
namespace {

constexpr int64_t kSizes = 8;     // of batches, at most
constexpr int64_t kGranule = 64;  // tokens

int64_t RoundedUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// [M] filled up with `value` at its end.
at::Tensor Lengthened(const at::Tensor& x_M, int64_t size, int64_t value) {
  TORCH_CHECK(x_M.size(0) <= size, "a batch of ", x_M.size(0), " filled up to ",
              size);
  at::Tensor out = at::full({size}, value, x_M.options());
  out.narrow(0, 0, x_M.size(0)).copy_(x_M);
  return out;
}

}  // namespace

std::vector<std::optional<BatchShape>> SharedShapes(
    const std::vector<BatchShape>& batches, int64_t least_uses) {
  int64_t largest = 0;
  for (const BatchShape& b : batches) largest = std::max(largest, b.tokens);
  const int64_t step = RoundedUp((largest + kSizes - 1) / kSizes, kGranule);
  struct Group {
    BatchShape shape;
    int64_t fewest = 0, uses = 0;
  };
  std::map<int64_t, Group> groups;  // by tokens
  for (const BatchShape& b : batches) {
    Group& group = groups[RoundedUp(b.tokens, step)];
    group.fewest =
        group.uses == 0 ? b.tokens : std::min(group.fewest, b.tokens);
    group.shape.sequences = std::max(group.shape.sequences, b.sequences);
    group.shape.targets = std::max(group.shape.targets, b.targets);
    group.shape.longest = std::max(group.shape.longest, b.longest);
    ++group.uses;
  }
  for (auto& [tokens, group] : groups) {
    group.shape.tokens = tokens;
    // The sequences that fill up are no longer than the batches' own.
    group.shape.sequences +=
        (tokens - group.fewest + group.shape.longest - 1) / group.shape.longest;
  }
  std::vector<std::optional<BatchShape>> shapes;
  for (const BatchShape& b : batches) {
    const Group& group = groups[RoundedUp(b.tokens, step)];
    shapes.push_back(group.uses >= least_uses ? std::optional(group.shape)
                                              : std::nullopt);
  }
  return shapes;
}

Batch WithTargets(Batch batch) {
  TORCH_CHECK(batch.labels_BT.is_cpu(), "targets are found on the CPU");
  if (batch.head != HeadKind::kNextToken || !batch.cu_seqlens.defined()) {
    return batch;
  }
  const at::Tensor label_T = batch.labels_BT.reshape({-1});
  for (int64_t p = 0; p + 1 < batch.cu_seqlens.size(0); ++p) {
    const int64_t first = batch.cu_seqlens[p].item<int32_t>();
    TORCH_CHECK(label_T[first].item<int64_t>() == kNoLoss,
                "the first token of a packed sequence is a target");
  }
  const at::Tensor at_M = label_T.ne(kNoLoss).nonzero().squeeze(1);
  batch.target_row_M = at_M.sub(1);
  batch.target_M = label_T.index_select(0, at_M);
  return batch;
}

Batch FilledUp(Batch batch, const BatchShape& shape) {
  TORCH_CHECK(batch.cu_seqlens.defined() && batch.prefixes.empty() &&
                  !batch.token_types_BT.defined(),
              "only a flat batch that is trained on can be filled up");
  if (!batch.target_row_M.defined()) batch = WithTargets(std::move(batch));
  const int64_t tokens = batch.slots();
  const auto lengthened = [&](const at::Tensor& x_BT, int64_t value) {
    return Lengthened(x_BT.reshape({-1}), shape.tokens, value).unsqueeze(0);
  };
  batch.input_ids_BT = lengthened(batch.input_ids_BT, 0);
  batch.labels_BT = lengthened(batch.labels_BT, kNoLoss);
  batch.position_ids_BT = lengthened(batch.position_ids_BT, 0);
  const int64_t sequences = batch.cu_seqlens.size(0) - 1;
  batch.cu_seqlens =
      Lengthened(batch.cu_seqlens, shape.sequences + 1, shape.tokens);
  int32_t* bounds = batch.cu_seqlens.data_ptr<int32_t>();
  int64_t* positions = batch.position_ids_BT.data_ptr<int64_t>();
  for (int64_t p = sequences; p < shape.sequences; ++p) {
    const int64_t begin = bounds[p];
    const int64_t end = std::min(begin + shape.longest, shape.tokens);
    bounds[p + 1] = static_cast<int32_t>(end);
    for (int64_t t = begin; t < end; ++t) positions[t] = t - begin;
  }
  TORCH_CHECK(bounds[shape.sequences] == shape.tokens, "a batch of ", tokens,
              " tokens in ", sequences, " sequences does not fill up to ",
              shape.tokens, " in ", shape.sequences);
  batch.target_row_M = Lengthened(batch.target_row_M, shape.targets, 0);
  batch.target_M = Lengthened(batch.target_M, shape.targets, kNoLoss);
  batch.longest = shape.longest;
  return batch;
}

}  // namespace sft::data
