// Padded and flat batches of the same rows.
#include "harness/data/collator.h"

#include <set>
#include <utility>

#include "tests/support/catch_torch.h"

namespace sft::data::collator_test {
namespace {

std::vector<Example> Rows() {
  std::vector<Example> rows(3);
  rows[0].row_id = 11, rows[0].input_ids = {1, 2, 3, 4};
  rows[0].labels = {kNoLoss, kNoLoss, 3, 4};
  rows[1].row_id = 12, rows[1].input_ids = {5, 6};
  rows[1].labels = {kNoLoss, 6};
  rows[2].row_id = 13, rows[2].input_ids = {7, 8, 9};
  rows[2].labels = {kNoLoss, kNoLoss, 9};
  return rows;
}
std::vector<Piece> Whole(const std::vector<Example>& rows) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < rows.size(); ++i) {
    pieces.push_back({static_cast<int64_t>(i), 0,
                      static_cast<int64_t>(rows[i].input_ids.size())});
  }
  return pieces;
}
std::vector<int64_t> Values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kLong).flatten().contiguous();
  return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
}
// (token before, target) of every target of a batch.
std::multiset<std::pair<int64_t, int64_t>> Targets(const Batch& batch) {
  std::multiset<std::pair<int64_t, int64_t>> out;
  const std::vector<int64_t> ids = Values(batch.input_ids_BT);
  const std::vector<int64_t> labels = Values(batch.labels_BT);
  for (size_t t = 1; t < labels.size(); ++t) {
    if (labels[t] != kNoLoss) out.emplace(ids[t - 1], labels[t]);
  }
  return out;
}

TEST_CASE("a padded batch is right-padded to its longest row",
          "[data][collator]") {
  const std::vector<Example> rows = Rows();
  const Batch batch = PaddedBatch(rows, Whole(rows), 0, 99);
  CHECK(Values(batch.input_ids_BT) ==
        std::vector<int64_t>{1, 2, 3, 4, 5, 6, 99, 99, 7, 8, 9, 99});
  CHECK(Values(batch.labels_BT) == std::vector<int64_t>{-100, -100, 3, 4, -100,
                                                        6, -100, -100, -100,
                                                        -100, 9, -100});
  CHECK(batch.input_ids_BT.scalar_type() == at::kLong);
  CHECK_FALSE(batch.cu_seqlens.defined());
  CHECK(batch.real_tokens == 9);
  CHECK(batch.target_tokens == 4);
  CHECK(batch.padded_tokens() == 3);
  CHECK(batch.row_ids == std::vector<int64_t>{11, 12, 13});
}

TEST_CASE("pad_to widens a batch and refuses a longer row",
          "[data][collator]") {
  const std::vector<Example> rows = Rows();
  CHECK(PaddedBatch(rows, Whole(rows), 6, 0).slots() == 18);
  CHECK_THROWS(PaddedBatch(rows, Whole(rows), 3, 0));
}

TEST_CASE("a flat batch lays rows end to end and restarts positions",
          "[data][collator]") {
  const std::vector<Example> rows = Rows();
  const Batch batch = FlatBatch(rows, Whole(rows));
  CHECK(batch.input_ids_BT.sizes() == at::IntArrayRef({1, 9}));
  CHECK(Values(batch.cu_seqlens) == std::vector<int64_t>{0, 4, 6, 9});
  CHECK(batch.cu_seqlens.scalar_type() == at::kInt);
  CHECK(Values(batch.position_ids_BT) ==
        std::vector<int64_t>{0, 1, 2, 3, 0, 1, 0, 1, 2});
  CHECK(batch.padded_tokens() == 0);
}

TEST_CASE("padded and flat batches have the same targets", "[data][collator]") {
  const std::vector<Example> rows = Rows();
  const Batch padded = PaddedBatch(rows, Whole(rows), 0, 0);
  const Batch flat = FlatBatch(rows, Whole(rows));
  CHECK(Targets(padded) == Targets(flat));
  CHECK(padded.target_tokens == flat.target_tokens);
  CHECK(padded.real_tokens == flat.real_tokens);
}

TEST_CASE("the first token of a piece has no target", "[data][collator]") {
  const std::vector<Example> rows = Rows();
  const Batch batch = FlatBatch(rows, {{0, 0, 2}, {0, 2, 2}});
  CHECK(Values(batch.labels_BT) == std::vector<int64_t>{-100, -100, -100, 4});
  CHECK(Values(batch.position_ids_BT) == std::vector<int64_t>{0, 1, 0, 1});
  CHECK(batch.target_tokens == 1);
}

TEST_CASE("flat batches keep order and their limit, but for a longer row",
          "[data][collator]") {
  const std::vector<Batch> batches = FlatBatches(Rows(), 5);
  REQUIRE(batches.size() == 2);
  CHECK(batches[0].row_ids == std::vector<int64_t>{11});
  CHECK(batches[1].row_ids == std::vector<int64_t>{12, 13});
  CHECK(FlatBatches(Rows(), 1).size() == 3);
  CHECK(FlatBatches({}, 8).empty());
}

TEST_CASE("a piece outside its row is an error", "[data][collator]") {
  const std::vector<Example> rows = Rows();
  CHECK_THROWS(FlatBatch(rows, {{0, 3, 2}}));
  CHECK_THROWS(FlatBatch(rows, {{3, 0, 1}}));
  CHECK_THROWS(FlatBatch(rows, {{0, 0, 0}}));
  CHECK_THROWS(FlatBatch(rows, {}));
}

}  // namespace
}  // namespace sft::data::collator_test
