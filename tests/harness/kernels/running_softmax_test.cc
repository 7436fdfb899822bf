// The weights of attention against f64.
#include "harness/kernels/attention/running_softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/catch_torch.h"
#include "tests/support/every_set.h"

namespace sft::kernels::running_softmax_test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Scores from 2 down to `least`, in no order.
std::vector<float> Scores(int64_t count, float least) {
  std::vector<float> scores(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const double at = std::fmod(0.618033988749895 * static_cast<double>(i), 1);
    scores[i] = static_cast<float>(2 + at * (least - 2.0));
  }
  return scores;
}

TEST_CASE("probabilities are right to three units in the last place") {
  SFT_ON_EVERY_SET();
  const int64_t keys = GENERATE(1, 15, 16, 17, 250);
  const int64_t row = ScoreRow(keys);
  const QueryBlock block = {.tokens = 1, .keys = keys, .causal = false};
  std::vector<float> p = Scores(keys, -83);
  const std::vector<float> scores = p;
  p.resize(row, kNan);  // what a row does not see
  const float lse = 1.5f;
  ScoresToProbabilities(block, row, &lse, p.data());
  for (int64_t i = 0; i < keys; ++i) {
    // The difference as it is rounded; the exponential of that.
    const float x = scores[i] - lse;
    CHECK(std::fabs(p[i] / std::exp(static_cast<double>(x)) - 1) < 3.6e-7);
  }
  for (int64_t i = keys; i < row; ++i) CHECK(p[i] == 0);
}

TEST_CASE("far below the largest score a weight is all but zero, a NaN stays") {
  SFT_ON_EVERY_SET();
  const QueryBlock block = {.tokens = 1, .keys = 3, .causal = false};
  std::vector<float> p(kScoreLanes, kNan);
  p[0] = 0, p[1] = -5000, p[2] = -std::numeric_limits<float>::infinity();
  const float lse = 0;
  ScoresToProbabilities(block, kScoreLanes, &lse, p.data());
  CHECK(p[0] == 1);
  for (int i : {1, 2}) {
    CHECK(p[i] >= 0);
    CHECK(p[i] < 2e-38f);
  }
  p[1] = kNan;
  ScoresToProbabilities(block, kScoreLanes, &lse, p.data());
  CHECK(std::isnan(p[1]));
}

TEST_CASE("scores read in parts make the softmax of all, causal or not") {
  SFT_ON_EVERY_SET();
  const bool causal = GENERATE(true, false);
  const QueryBlock block = {.begin = 20,
                            .tokens = 3,
                            .groups = 2,
                            .keys = 70,
                            .before = 47,
                            .causal = causal};
  const int64_t rows = block.rows(), part = 32;
  std::vector<float> most(rows), sum(rows), result(rows, 0.0f);
  const RunningSoftmax running = {most.data(), sum.data(), result.data(), 1};
  // Values 1, 2, 3, ...; the largest score of a row comes late.
  std::vector<float> scores = Scores(rows * block.keys, -30);
  for (int64_t row = 0; row < rows; ++row) {
    scores[row * block.keys + 66 + row % 2] = 9;
  }
  for (int64_t first = 0; first < block.keys; first += part) {
    const int64_t keys = std::min(part, ScoreRow(block.keys - first));
    std::vector<float> p(rows * keys, kNan);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < keys && first + i < block.Seen(row); ++i) {
        p[row * keys + i] = scores[row * block.keys + first + i];
      }
    }
    ReadScores(block, first, keys, p.data(), running);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < keys; ++i) {
        result[row] += p[row * keys + i] * static_cast<float>(first + i + 1);
      }
    }
  }
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t seen = causal ? 68 + row % 3 : 70;
    double weights = 0, wanted = 0;
    for (int64_t i = 0; i < seen; ++i) {
      const double w = std::exp(double{scores[row * block.keys + i]});
      weights += w;
      wanted += w * static_cast<double>(i + 1);
    }
    CHECK(std::fabs(most[row] + std::log(double{sum[row]}) -
                    std::log(weights)) < 2e-6);
    CHECK(std::fabs(result[row] / sum[row] - wanted / weights) < 1e-4);
  }
}

}  // namespace
}  // namespace sft::kernels::running_softmax_test
