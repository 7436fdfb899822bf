// Flat batches filled up to shapes that several of them share.
#include "harness/data/batch_shape.h"

#include <ATen/ATen.h>

#include <vector>

#include "harness/data/collator.h"
#include "tests/support/catch_torch.h"

namespace sft::data::batch_shape_test {
namespace {

TEST_CASE("batches of about one size share a shape that holds each of them",
          "[data][batch_shape]") {
  // The eighth of 1,900 is 237.5, in granules 256.
  const std::vector<BatchShape> batches = {
      {1900, 7, 1000, 500}, {1793, 9, 1200, 400}, {1990, 5, 900, 512},
      {700, 3, 300, 300},   {690, 4, 500, 310},   {2000, 4, 1, 512}};
  const auto shapes = SharedShapes(batches, 3);
  REQUIRE(shapes.size() == batches.size());
  const BatchShape large = {2048, 9 + 1, 1200, 512};
  for (size_t i : {0, 1, 2, 5}) CHECK(shapes[i] == large);
  // Two are too few.
  CHECK_FALSE(shapes[3].has_value());
  CHECK_FALSE(shapes[4].has_value());
  const auto pairs = SharedShapes(batches, 2);
  CHECK(pairs[3] == BatchShape{768, 4 + 1, 500, 310});
  CHECK(SharedShapes({}, 3).empty());
  // Short sequences fill up in several.
  CHECK(SharedShapes({{70, 10, 5, 8}, {70, 10, 5, 8}}, 2)[0] ==
        BatchShape{128, 10 + 8, 5, 8});
}

TEST_CASE("a filled-up batch keeps its tokens and adds none that counts",
          "[data][batch_shape]") {
  const int32_t no = kNoLoss;
  std::vector<Example> rows(2);
  rows[0].input_ids = {5, 6, 7};
  rows[0].labels = {no, 6, 7};
  rows[1].input_ids = {8, 9};
  rows[1].labels = {no, 9};
  const Batch batch = FlatBatch(rows, {{0, 0, 3}, {1, 0, 2}});
  const Batch full = FilledUp(batch, {9, 5, 4, 3});
  const auto list = [](const at::Tensor& x) {
    const at::Tensor flat = x.to(at::kLong).reshape({-1}).contiguous();
    const int64_t* at = flat.const_data_ptr<int64_t>();
    return std::vector<int64_t>(at, at + flat.numel());
  };
  using Ids = std::vector<int64_t>;
  CHECK(full.input_ids_BT.sizes() == at::IntArrayRef({1, 9}));
  CHECK(list(full.input_ids_BT) == Ids{5, 6, 7, 8, 9, 0, 0, 0, 0});
  CHECK(list(full.labels_BT) == Ids{no, 6, 7, no, 9, no, no, no, no});
  CHECK(list(full.position_ids_BT) == Ids{0, 1, 2, 0, 1, 0, 1, 2, 0});
  CHECK(list(full.cu_seqlens) == Ids{0, 3, 5, 8, 9, 9});
  CHECK(full.cu_seqlens.scalar_type() == at::kInt);
  CHECK(list(full.target_row_M) == Ids{0, 1, 3, 0});
  CHECK(list(full.target_M) == Ids{6, 7, 9, no});
  CHECK(full.longest == 3);
  CHECK(full.real_tokens == 5);
  CHECK(full.target_tokens == 3);
  CHECK(full.padded_tokens() == 4);
  CHECK(full.lengths == batch.lengths);
  // Too small in one way or another.
  CHECK_THROWS(FilledUp(batch, {4, 5, 4, 3}));
  CHECK_THROWS(FilledUp(batch, {9, 1, 4, 3}));
  CHECK_THROWS(FilledUp(batch, {9, 3, 4, 3}));
  CHECK_THROWS(FilledUp(batch, {9, 5, 2, 3}));
  CHECK_THROWS(FilledUp(PaddedBatch(rows, {{0, 0, 3}}, 0, 0), {9, 5, 4, 3}));
}

TEST_CASE("targets are found where labels are, and not in a first token",
          "[data][batch_shape]") {
  std::vector<Example> rows(1);
  rows[0].input_ids = {5, 6, 7};
  rows[0].labels = {kNoLoss, kNoLoss, 7};
  Batch batch = FlatBatch(rows, {{0, 0, 3}});
  CHECK(WithTargets(batch).target_row_M.item<int64_t>() == 1);
  batch.labels_BT.fill_(4);
  CHECK_THROWS(WithTargets(batch));
  CHECK_FALSE(
      WithTargets(PaddedBatch(rows, {{0, 0, 3}}, 0, 0)).target_M.defined());
}

}  // namespace
}  // namespace sft::data::batch_shape_test
