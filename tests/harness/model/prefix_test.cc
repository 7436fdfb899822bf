// Sequences that share a prefix in one batch against each of them whole.
#include "harness/data/collator.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::prefix_test {
namespace {

using Ids = std::vector<int32_t>;

Example Plain(const Ids& ids) {
  Example example;
  example.input_ids = ids;
  example.labels.assign(ids.size(), kNoLoss);
  return example;
}

at::Tensor Whole(Model& model, const Ids& ids) {
  return model.HiddenStates(
      data::FlatBatch({Plain(ids)}, {{0, 0, std::ssize(ids)}}))[0];
}

TEST_CASE("a prefix read once gives what it gives when read every time",
          "[model][prefix]") {
  c10::NoGradGuard off;
  const std::vector<Ids> parts = {{4, 9, 3, 7, 11}, {5},    {6, 8, 2, 13},
                                  {12, 2},          {3, 4}, {9, 10, 1}};
  const std::vector<int64_t> prefixes = {-1, 0, 0, -1, 3, 0};
  std::vector<Example> examples;
  std::vector<data::Piece> pieces;
  for (const Ids& part : parts) {
    pieces.push_back({std::ssize(examples), 0, std::ssize(part)});
    examples.push_back(Plain(part));
  }
  Batch batch = data::FlatBatch(examples, pieces);
  batch.prefixes = prefixes;
  int64_t at = 0;
  for (size_t s = 0; s < parts.size(); ++s) {
    if (prefixes[s] >= 0) {
      batch.position_ids_BT.narrow(1, at, std::ssize(parts[s]))
          .add_(std::ssize(parts[prefixes[s]]));
    }
    at += std::ssize(parts[s]);
  }
  // Every kind of attention: plain, windows, soft caps, learned positions.
  for (const char* family : {"llama", "mistral", "gemma2", "gpt2", "qwen3"}) {
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
      ModelLocation where;
      where.name = where.folder =
          (support::SourceDir() / "tests/golden/decoders" / family).string();
      if (!std::ifstream(where.folder + "/config.json")) continue;
      INFO(family << " " << dtype);
      const auto model = LoadModel(where, {.compute_dtype = dtype});
      REQUIRE(model.ok());
      const at::Tensor h_TD = (*model)->HiddenStates(batch)[0];
      int64_t begin = 0;
      for (size_t s = 0; s < parts.size(); ++s) {
        Ids ids;
        if (prefixes[s] >= 0) ids = parts[prefixes[s]];
        ids.insert(ids.end(), parts[s].begin(), parts[s].end());
        const int64_t length = std::ssize(parts[s]);
        const at::Tensor wanted_TD =
            Whole(**model, ids).narrow(0, std::ssize(ids) - length, length);
        // Some ten units of f32 over a few layers.
        CHECK(at::allclose(h_TD.narrow(0, begin, length), wanted_TD, 1e-4,
                           dtype == at::kFloat ? 1e-4 : 1e-10));
        begin += length;
      }
    }
  }
}

}  // namespace
}  // namespace sft::model::prefix_test
