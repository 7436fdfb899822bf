// Next-token probabilities against transformers, and draws against them.
#include "harness/model/generate/sampling.h"

#include <cmath>
#include <limits>

#include "harness/core/rng.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::sampling_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

GenerationOptions Sampled(double temperature, int64_t top_k = 0,
                          double top_p = 1) {
  GenerationOptions options;
  options.temperature = temperature;
  options.top_k = top_k;
  options.top_p = top_p;
  return options;
}

TEST_CASE("temperature, top_k and top_p leave what transformers leaves",
          "[model][sampling]") {
  const nlohmann::json cases = fake::Golden("generate.json")["sampling"];
  REQUIRE(cases.size() >= 36);
  for (const nlohmann::json& c : cases) {
    INFO(c.dump());
    const auto p =
        TokenProbabilities(c["logits"].get<std::vector<double>>(),
                           Sampled(c["temperature"], c["top_k"], c["top_p"]));
    const auto wanted = c["probabilities"].get<std::vector<double>>();
    REQUIRE(p.size() == wanted.size());
    for (size_t i = 0; i < p.size(); ++i) {
      CHECK(p[i] == Approx(wanted[i]).margin(1e-12));
    }
  }
}

TEST_CASE("equal logits at the edge of top_k are kept together",
          "[model][sampling]") {
  const auto p = TokenProbabilities({1, 3, 2, 2, 0}, Sampled(1, 2));
  CHECK(p[2] == p[3]);
  CHECK(p[2] > 0);
  CHECK(p[0] == 0);
}

TEST_CASE("top_p keeps the smallest set of at least its probability",
          "[model][sampling]") {
  // Probabilities 0.5, 0.3, 0.2.
  const std::vector<double> logits = {std::log(0.3), std::log(0.5),
                                      std::log(0.2)};
  CHECK(TokenProbabilities(logits, Sampled(1, 0, 0.4)) ==
        std::vector<double>{0, 1, 0});
  const auto two = TokenProbabilities(logits, Sampled(1, 0, 0.6));
  CHECK(two[0] == Approx(0.3 / 0.8));
  CHECK(two[2] == 0);
  const auto all = TokenProbabilities(logits, Sampled(1, 0, 0.81));
  CHECK(all[2] == Approx(0.2));
}

TEST_CASE("logits that are not finite count for nothing", "[model][sampling]") {
  const auto p =
      TokenProbabilities({kNan, 1, kInf, 1, -kInf}, Sampled(0.7, 2, 0.9));
  CHECK(p == std::vector<double>{0, 0.5, 0, 0.5, 0});
  CHECK(TokenProbabilities({kNan, kNan}, Sampled(1)) ==
        std::vector<double>{1, 0});
  CHECK(DrawToken({0, 0, 0}, 0.5) == 0);
}

TEST_CASE("a draw is where the running sum passes it", "[model][sampling]") {
  const std::vector<double> p = {0.25, 0, 0.5, 0.25, 0};
  CHECK(DrawToken(p, 0.0) == 0);
  CHECK(DrawToken(p, 0.2499) == 0);
  CHECK(DrawToken(p, 0.25) == 2);
  CHECK(DrawToken(p, 0.7499) == 2);
  CHECK(DrawToken(p, 0.75) == 3);
  CHECK(DrawToken({0.3, 0.3, 0.0}, 0.999) == 1);  // never one without chance
}

TEST_CASE("sampled tokens come as often as the softmax says",
          "[model][sampling]") {
  const std::vector<double> logits = {0.3, -1.2, 2.0, 0.9, -0.4, 1.1};
  for (const GenerationOptions& options :
       {Sampled(1), Sampled(0.6), Sampled(1.5, 4), Sampled(1, 0, 0.8)}) {
    const auto p = TokenProbabilities(logits, options);
    constexpr int64_t kDraws = 20000;
    std::vector<int64_t> counts(p.size(), 0);
    Rng rng(11, Stream::kGeneration, "prompt 0");
    for (int64_t i = 0; i < kDraws; ++i) ++counts[DrawToken(p, rng.Uniform())];
    double chi_square = 0;
    int kinds = 0;
    for (size_t i = 0; i < p.size(); ++i) {
      if (p[i] == 0) {
        CHECK(counts[i] == 0);
        continue;
      }
      const double expected = p[i] * kDraws;
      chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
      ++kinds;
    }
    // The 0.999 quantiles of 1 to 5 degrees of freedom.
    const double bounds[] = {10.828, 13.816, 16.266, 18.467, 20.515};
    REQUIRE(kinds >= 2);
    CHECK(chi_square < bounds[kinds - 2]);
  }
}

}  // namespace
}  // namespace sft::model::sampling_test
