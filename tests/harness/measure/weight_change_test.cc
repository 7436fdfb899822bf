#include "harness/measure/weight_change.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "tests/harness/measure/tiny_golden.h"

namespace sft::measure::weight_change_test {
namespace {

TEST_CASE("the effective rank of a matrix is known by hand",
          "[measure][distance]") {
  CHECK(EffectiveRank(at::eye(5)) == Approx(5));
  CHECK(EffectiveRank(at::ones({3, 7})) == Approx(1).margin(1e-6));
  CHECK(EffectiveRank(at::zeros({3, 7})) == 0);
  // Shares 3/4 and 1/4.
  const double entropy = -(0.75 * std::log(0.75) + 0.25 * std::log(0.25));
  const at::Tensor two = at::diag(at::tensor({3.0f, 1.0f}));
  CHECK(EffectiveRank(two) == Approx(std::exp(entropy)));
  CHECK(EffectiveRank(at::cat({two, at::zeros({2, 3})}, 1)) ==
        Approx(std::exp(entropy)));
}

TEST_CASE("what moved is found by role, and what did not is 0",
          "[measure][distance]") {
  const auto base = TinyGolden("decoders/mistral");
  const auto tuned = TinyGolden("decoders/mistral");
  double base_squares = 0;
  {
    const c10::AutoGradMode no_grad(false);
    for (model::Parameter& p : tuned->Parameters()) {
      at::Tensor weight = p.tensor.detach();
      if (p.role == model::Role::kUp) {
        base_squares += weight.to(at::kDouble).square().sum().item<double>();
        weight[0][1].add_(3.0);
        weight[1][0].add_(4.0);
      }
    }
  }
  const auto facts = WeightChange(*base, *tuned);
  REQUIRE(facts.ok());
  const double layers = static_cast<double>(base->info().layers);
  const double norm = 5 * std::sqrt(layers);
  CHECK(facts->at("distance.up_proj.change_norm") ==
        Approx(norm).epsilon(1e-6));
  CHECK(facts->at("distance.all.change_norm") == Approx(norm).epsilon(1e-6));
  CHECK(facts->at("distance.up_proj.relative_change_norm") ==
        Approx(norm / std::sqrt(base_squares)).epsilon(1e-6));
  // Singular values 4 and 3 in each.
  const double p = 4.0 / 7;
  CHECK(facts->at("distance.up_proj.effective_rank") ==
        Approx(std::exp(-p * std::log(p) - (1 - p) * std::log(1 - p)))
            .epsilon(1e-4));
  CHECK(facts->at("distance.q_proj.change_norm") == 0);
  CHECK(facts->count("distance.q_proj.effective_rank") == 0);
}

}  // namespace
}  // namespace sft::measure::weight_change_test
