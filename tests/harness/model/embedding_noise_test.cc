#include <ATen/ATen.h>

#include <cmath>

#include "harness/data/collator.h"
#include "harness/model/ops/ops.h"
#include "tests/support/catch_torch.h"

namespace sft::model::embedding_noise_test {
namespace {

std::vector<Example> TwoRows() {
  std::vector<Example> rows(2);
  rows[0].input_ids = {1, 2, 3, 4};
  rows[1].input_ids = {5};
  for (Example& row : rows) row.labels.assign(row.input_ids.size(), kNoLoss);
  return rows;
}

TEST_CASE("NEFTune's noise is bounded by each sequence's length",
          "[model][ops][neftune]") {
  constexpr int64_t kWidth = 64;
  PassState pass;
  pass.training = true;
  pass.dropout_seed = 7;
  pass.neftune_alpha = 5;
  const auto rows = TwoRows();
  for (const Batch& batch :
       {data::PaddedBatch(rows, {{0, 0, 4}, {1, 0, 1}}, 0, 0),
        data::FlatBatch(rows, {{0, 0, 4}, {1, 0, 1}})}) {
    const bool padded = !batch.cu_seqlens.defined();
    const at::Tensor x = at::ones(
        {batch.input_ids_BT.size(0), batch.input_ids_BT.size(1), kWidth});
    const at::Tensor noise = AddEmbeddingNoise(x, batch, pass) - x;
    const auto bound = [](int64_t length) {
      return 5 / std::sqrt(static_cast<double>(length * kWidth));
    };
    const double most[2] = {
        noise[0].narrow(0, 0, 4).abs().max().item<double>(),
        (padded ? noise[1][0] : noise[0][4]).abs().max().item<double>()};
    CHECK(most[0] <= bound(4) + 1e-6);
    CHECK(most[0] > 0.9 * bound(4));
    CHECK(most[1] <= bound(1) + 1e-6);
    CHECK(most[1] > bound(4));
    CHECK(AddEmbeddingNoise(x, batch, pass).equal(x + noise));
    // Pads stay as they are.
    if (padded) CHECK(noise[1].narrow(0, 1, 3).abs().max().item<float>() == 0);

    PassState still = pass;
    still.training = false;
    CHECK(AddEmbeddingNoise(x, batch, still).equal(x));
    still = pass;
    still.neftune_alpha = 0;
    CHECK(AddEmbeddingNoise(x, batch, still).equal(x));
  }
}

}  // namespace
}  // namespace sft::model::embedding_noise_test
