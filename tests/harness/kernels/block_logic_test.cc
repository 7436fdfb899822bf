// The arithmetic of one element that the CPU and the CUDA kernels share,
// against the formulas in f64.
#include "harness/kernels/block/block_logic.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

namespace sft::kernels::block_logic_test {
namespace {

// Three roundings of a relative 6e-8 each, or an exponential of 1.2e-7.
constexpr double kF32 = 5e-7;

double Silu(double x) { return x / (1 + std::exp(-x)); }
// A central difference, good to its step's square.
template <class F>
double Slope(const F& f, double x) {
  constexpr double kStep = 1e-5;
  return (f(x + kStep) - f(x - kStep)) / (2 * kStep);
}

}  // namespace

TEST_CASE("every bf16 number goes to f32 and back", "[methods][kernels]") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float x = ToFloat(static_cast<Bf16>(bits));
    Bf16 back = 0;
    Store(x, &back);
    if (std::isnan(x)) {
      REQUIRE(std::isnan(ToFloat(back)));
    } else {
      REQUIRE(back == bits);
    }
  }
  Bf16 tie = 0;
  Store(1.00390625f, &tie);  // half way between 1 and the next: to even
  CHECK(ToFloat(tie) == 1.0f);
  Store(1.01171875f, &tie);
  CHECK(ToFloat(tie) == 1.015625f);
  Store(std::numeric_limits<float>::max(), &tie);
  CHECK(std::isinf(ToFloat(tie)));
}

TEST_CASE("an element of SwiGLU and its gradients", "[methods][kernels]") {
  for (float gate = -20; gate < 20; gate += 0.37f) {
    const float up = 0.3f * gate - 1, grad = 1.7f;
    const double g = static_cast<double>(gate), u = static_cast<double>(up);
    const double d = static_cast<double>(grad);
    CHECK(SwiGluOf(gate, up) == Approx(Silu(g) * u).epsilon(2 * kF32));
    const float s = Sigmoid(gate);
    CHECK(SwiGluGradGate(grad, gate, up, s) ==
          Approx(d * u * Slope(Silu, g)).epsilon(1e-5).margin(1e-6));
    CHECK(SwiGluGradUp(grad, gate, s) == Approx(d * Silu(g)).epsilon(2 * kF32));
  }
}

TEST_CASE("RMSNorm of a row of two and its gradients", "[methods][kernels]") {
  const float x[2] = {0.75f, -1.5f}, w[2] = {1.25f, 0.5f};
  const float grad[2] = {2.0f, -0.25f};
  const float rstd = NormRstd(x[0] * x[0] + x[1] * x[1], 2, 1e-5f);
  // The gradients' inner product with y, as a function of one entry of x or w.
  const auto product = [&](double x0, double w0) {
    const double x1 = static_cast<double>(x[1]);
    const double r = 1 / std::sqrt((x0 * x0 + x1 * x1) / 2 + 1e-5);
    return static_cast<double>(grad[0]) * x0 * r * w0 +
           static_cast<double>(grad[1]) * x1 * r * static_cast<double>(w[1]);
  };
  const double x0 = static_cast<double>(x[0]), w0 = static_cast<double>(w[0]);
  CHECK(grad[0] * Normed(x[0], rstd, w[0]) +
            grad[1] * Normed(x[1], rstd, w[1]) ==
        Approx(product(x0, w0)).epsilon(kF32));
  const float dot = (NormDotTerm(grad[0], x[0], rstd, w[0]) +
                     NormDotTerm(grad[1], x[1], rstd, w[1])) /
                    2;
  CHECK(NormGradX(grad[0], x[0], rstd, w[0], dot) ==
        Approx(Slope([&](double v) { return product(v, w0); }, x0))
            .epsilon(1e-5));
  CHECK(NormGradW(grad[0], x[0], rstd) ==
        Approx(Slope([&](double v) { return product(x0, v); }, w0))
            .epsilon(1e-5));
}

TEST_CASE("a turned pair keeps its length and turns back",
          "[methods][kernels]") {
  const float cos = 0.6f, sin = 0.8f, a = 3, b = -2;
  const float c = TurnedFirst(a, b, cos, sin, 1);
  const float d = TurnedSecond(a, b, cos, sin, 1);
  CHECK(c == Approx(3 * 0.6 + 2 * 0.8).epsilon(kF32));
  CHECK(c * c + d * d == Approx(13).epsilon(2 * kF32));
  CHECK(TurnedFirst(c, d, cos, sin, -1) == Approx(a).epsilon(2 * kF32));
  CHECK(TurnedSecond(c, d, cos, sin, -1) == Approx(b).epsilon(2 * kF32));
}

TEST_CASE("the loss of equal logits is the logarithm of their number",
          "[methods][kernels]") {
  double sum = 0;
  for (int i = 0; i < 1000; ++i) {
    sum += static_cast<double>(SoftmaxTerm(7.5f, 7.5f));
  }
  CHECK(RowLossOf(sum, 7.5f, 7.5f) == Approx(std::log(1000.0)).epsilon(1e-12));
  CHECK(SoftmaxTerm(-INFINITY, 0) < 1e-37f);
}

}  // namespace sft::kernels::block_logic_test
