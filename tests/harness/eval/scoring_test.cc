#include "harness/eval/scoring.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "harness/core/batch.h"
#include "harness/data/collator.h"
#include "tests/harness/eval/fake_model.h"
#include "tests/support/catch_torch.h"

namespace sft::eval::scoring_test {
namespace {

// So many logits that the vocabulary is read in parts, the last one ragged.
TEST_CASE("log-probabilities are those of the whole vocabulary",
          "[eval][scoring]") {
  constexpr int64_t kVocabulary = 5000, kTokens = 1000;
  FakeModel model(3, 2.0, kVocabulary);
  Example example;
  for (int64_t t = 0; t < kTokens; ++t) {
    example.input_ids.push_back(static_cast<int32_t>(t * 7919 % kVocabulary));
  }
  example.labels.assign(kTokens, kNoLoss);
  const EvalScope scope(model);
  const at::Tensor log_p_TV =
      model
          .Logits(
              model.HiddenStates(data::FlatBatch({example}, {{0, 0, kTokens}}))
                  .squeeze(0))
          .to(at::kDouble)
          .log_softmax(1);
  const at::Tensor best_T = log_p_TV.argmax(1);
  // Two of every position, one of them sometimes the likeliest.
  std::vector<Wanted> wanted;
  for (int64_t t = 0; t < kTokens; ++t) {
    const int64_t best = best_T[t].item<int64_t>();
    wanted.push_back({0, t, static_cast<int32_t>(t * 31 % kVocabulary)});
    wanted.push_back({0, t, static_cast<int32_t>(t % 3 ? best : 4999)});
  }
  std::vector<bool> likeliest;
  const std::vector<double> log_p =
      LogProbabilities(model, {example}, wanted, 1 << 20, nullptr, &likeliest);
  REQUIRE(log_p.size() == wanted.size());
  int64_t hits = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Wanted& w = wanted[i];
    const double plain = log_p_TV[w.position][w.token].item<double>();
    CHECK(std::fabs(log_p[i] - plain) < 1e-5 * std::max(1.0, std::fabs(plain)));
    const bool best = best_T[w.position].item<int64_t>() == w.token;
    CHECK(likeliest[i] == best);
    hits += best;
  }
  CHECK(hits >= kTokens / 2);
}

}  // namespace
}  // namespace sft::eval::scoring_test
