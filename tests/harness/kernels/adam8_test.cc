// 8-bit AdamW against bitsandbytes, and its kernels against their elements.
#include "harness/kernels/adam8/adam8.h"

#include <ATen/Parallel.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "harness/core/digest.h"
#include "harness/kernels/adam8/adam8_glue.h"
#include "harness/kernels/nf4/nf4.h"
#include "harness/train/optimizers/adamw_8bit.h"
#include "tests/methods/methods_support.h"
#include "tests/support/catch_torch.h"
#include "tests/support/require.h"

namespace sft::kernels::adam8_test {
namespace {

using nlohmann::json;

std::string ShaOf(const at::Tensor& t) {
  const at::Tensor dense = t.detach().contiguous();
  return Sha256Hex(
      {static_cast<const char*>(dense.const_data_ptr()), dense.nbytes()});
}

// values() and gradient() of make_golden_adam8.py.
double Uniform(uint64_t c) {
  return static_cast<double>(SplitMix64(c) >> 11) * 0x1p-53;
}
at::Tensor Values(uint64_t seed, int64_t n) {
  at::Tensor out = at::empty({n});
  float* data = out.mutable_data_ptr<float>();
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t k = (seed << 20) + static_cast<uint64_t>(i);
    const double u = Uniform(3 * k) + Uniform(3 * k + 1) + Uniform(3 * k + 2);
    data[i] = static_cast<float>((u - 1.5) * 0.05);
  }
  return out;
}
at::Tensor Gradient(int step, int64_t n) {
  at::Tensor g = Values(2 + static_cast<uint64_t>(step), n);
  if (step < 3) g.slice(0, 256, 512).zero_();
  g[600].mul_(1000);
  return g;
}

// Runs the golden steps of one parameter. Codes and absmax must be the same
// bits; weights within 1e-6 of their value plus 1e-6 of a step: LibTorch's
// square root in bitsandbytes is the maths library's vector one, of one unit in
// the last place, ours is rounded correctly. Nothing that is kept depends on
// it.
void CheckGolden(const std::string& name) {
  const json golden = methods::ReadGoldenJson("adam8.json");
  const int64_t n = golden[name]["n"], every = golden["every"];
  const double rate = golden["learning_rate"];
  at::Tensor weight = Values(1, n).set_requires_grad(true);
  train::AdamW8bit optimizer({{name, weight}},
                             {.weight_decay = golden["weight_decay"]});
  double furthest = 0;
  int64_t exact = 0, compared = 0;
  int step = 0;
  for (const json& row : golden[name]["steps"]) {
    INFO(name << ", step " << ++step);
    weight.mutable_grad() = Gradient(step, n);
    REQUIRE(ShaOf(weight.grad()) == row["gradient"].get<std::string>());
    optimizer.Step(rate);
    for (const NamedTensor& state : optimizer.State()) {
      const std::string what = state.name.substr(name.size() + 1);
      INFO(what);
      if (row.contains(what)) {
        CHECK(ShaOf(state.tensor) == row[what].get<std::string>());
      }
    }
    const std::vector<float> want = row["weights"];
    for (size_t i = 0; i < want.size(); ++i) {
      const float have = weight[static_cast<int64_t>(i) * every].item<float>();
      const double apart = std::abs(have - want[i]);
      CHECK(apart <= 1e-6 * std::abs(want[i]) + 1e-6 * rate);
      furthest = std::max(furthest, apart / std::abs(want[i]));
      exact += have == want[i];
      ++compared;
    }
  }
  CAPTURE(furthest, exact, compared);
  CHECK(exact > compared / 2);
}

TEST_CASE("8-bit AdamW keeps the codes of bitsandbytes, bit for bit",
          "[methods][adam8]") {
  CheckGolden("large");
}

TEST_CASE("below 4096 elements 8-bit AdamW is AdamW, as in bitsandbytes",
          "[methods][adam8]") {
  CheckGolden("small");
  at::Tensor weight = Values(1, 4095).set_requires_grad(true);
  at::Tensor other = Values(1, 4095).set_requires_grad(true);
  train::AdamW8bit small({{"w", weight}}, {.weight_decay = 0.1});
  train::AdamW plain({{"w", other}}, {.weight_decay = 0.1});
  for (int step = 1; step < 4; ++step) {
    weight.mutable_grad() = Gradient(step, 4095);
    other.mutable_grad() = Gradient(step, 4095);
    small.Step(1e-3);
    plain.Step(1e-3);
  }
  CHECK(at::equal(weight, other));
}

TEST_CASE("the unsigned dynamic map is that of bitsandbytes",
          "[methods][adam8]") {
  const json golden = methods::ReadGoldenJson("adam8.json")["unsigned_code256"];
  REQUIRE(golden.size() == kDynamicCodes);
  for (size_t i = 0; i < kDynamicCodes; ++i) {
    CHECK(kUnsignedDynamicCode[i] == golden[i].get<float>());
  }
}

TEST_CASE("a value of the map keeps its code", "[methods][adam8]") {
  // Below a slot's width, 2 / 65535, neighbours share a slot.
  for (const float* map : {kDynamicCode, kUnsignedDynamicCode}) {
    for (int c = 0; c < kDynamicCodes; ++c) {
      if (std::abs(map[c]) < 1e-4f) continue;
      INFO(c);
      CHECK(DynamicEncode(map[c] * 3.0f, Adam8Scale(3.0f), map) == c);
    }
  }
  // What is no number has a code too, and reads as what the block's absmax is.
  CHECK(DynamicEncode(std::nanf(""), 1.0f, kDynamicCode) == 0);
  CHECK(DynamicEncode(INFINITY, 0.0f, kUnsignedDynamicCode) == 0);
  CHECK(Adam8Absmax(1e-39f) == 0.0f);
  CHECK(Adam8Absmax(2e-38f) == 2e-38f);
  CHECK(std::isfinite(Adam8Scale(2e-38f)));
}

// The step as its elements say it: no tables, no threads, a block by one.
void StepByElements(const float* grad, int64_t n, const Adam8Step& step,
                    float* weight, const Adam8Moments& m) {
  for (int64_t begin = 0; begin < n; begin += kAdam8BlockSize) {
    const int64_t block = begin / kAdam8BlockSize;
    const int64_t size = std::min(kAdam8BlockSize, n - begin);
    std::array<std::vector<float>, 2> moments;
    std::array<float, 2> most = {0, 0};
    for (int64_t i = begin; i < begin + size; ++i) {
      const float a = Adam8ExpAvg(
          Adam8Decode(m.exp_avg[i], m.exp_avg_absmax[block], kDynamicCode),
          grad[i], step);
      const float b =
          Adam8ExpAvgSq(Adam8Decode(m.exp_avg_sq[i], m.exp_avg_sq_absmax[block],
                                    kUnsignedDynamicCode),
                        grad[i], step);
      weight[i] = Adam8Weight(weight[i], a, b, step);
      moments[0].push_back(a);
      moments[1].push_back(b);
      most = {std::max(most[0], std::abs(a)), std::max(most[1], b)};
    }
    m.exp_avg_absmax[block] = most[0] = Adam8Absmax(most[0]);
    m.exp_avg_sq_absmax[block] = most[1] = Adam8Absmax(most[1]);
    const auto code = [](float x, float absmax, const float* map) {
      return static_cast<uint8_t>(
          absmax == 0 ? 0 : DynamicEncode(x, Adam8Scale(absmax), map));
    };
    for (int64_t i = 0; i < size; ++i) {
      const auto at = static_cast<size_t>(i);
      m.exp_avg[begin + i] = code(moments[0][at], most[0], kDynamicCode);
      m.exp_avg_sq[begin + i] =
          code(moments[1][at], most[1], kUnsignedDynamicCode);
    }
  }
}

Adam8Moments Raw(const Adam8Tensors& t) {
  return {t.exp_avg_P.mutable_data_ptr<uint8_t>(),
          t.exp_avg_sq_P.mutable_data_ptr<uint8_t>(),
          t.exp_avg_absmax_Q.mutable_data_ptr<float>(),
          t.exp_avg_sq_absmax_Q.mutable_data_ptr<float>()};
}

bool SameMoments(const Adam8Tensors& a, const Adam8Tensors& b) {
  return at::equal(a.exp_avg_P.cpu(), b.exp_avg_P.cpu()) &&
         at::equal(a.exp_avg_sq_P.cpu(), b.exp_avg_sq_P.cpu()) &&
         at::equal(a.exp_avg_absmax_Q.cpu(), b.exp_avg_absmax_Q.cpu()) &&
         at::equal(a.exp_avg_sq_absmax_Q.cpu(), b.exp_avg_sq_absmax_Q.cpu());
}

// Steps on `device`, the same bits as the elements'.
void CheckSteps(at::Device device) {
  for (int64_t n : {1, 255, 256, 257, 65'701}) {
    const at::Tensor by_elements = Values(1, n);
    at::Tensor weight = by_elements.to(device, at::kFloat, false, true);
    const Adam8Tensors have = ZeroAdam8Tensors(weight);
    const Adam8Tensors want = ZeroAdam8Tensors(by_elements);
    for (int t = 1; t <= 4; ++t) {
      INFO(n << " weights, step " << t);
      at::Tensor grad = Values(2 + static_cast<uint64_t>(t), n);
      // Gone with the first step's 0.9 ^ t, or too small for a reciprocal.
      if (t > 1) grad.slice(0, 0, 200).zero_();
      if (n > 600) grad.slice(0, 256, 512).fill_(1e-25f);
      const Adam8Step step = MakeAdam8Step(1e-2, 0.1, 0.9, 0.999, 1e-8, t);
      StepByElements(grad.const_data_ptr<float>(), n, step,
                     by_elements.mutable_data_ptr<float>(), Raw(want));
      StepAdam8(weight, grad.to(device), step, have);
      CHECK(at::equal(weight.cpu(), by_elements));
      CHECK(SameMoments(have, want));
      CHECK(at::isfinite(weight).all().item<bool>());
    }
  }
}

TEST_CASE("the CPU's step of 8-bit AdamW is its elements, on any threads",
          "[methods][adam8][kernels]") {
  const int before = at::get_num_threads();
  for (int threads : {1, 2}) {
    at::set_num_threads(threads);
    CheckSteps(at::kCPU);
  }
  at::set_num_threads(before);
}

TEST_CASE("the step of 8-bit AdamW on CUDA gives the bytes of the CPU",
          "[methods][adam8][kernels][gpu]") {
  support::RequireGpu();
  CheckSteps(at::Device(at::kCUDA, 0));
}

TEST_CASE("a weight in another layout takes the same step",
          "[methods][adam8][kernels]") {
  const at::Tensor dense = Values(1, 64 * 80).view({64, 80});
  const at::Tensor turned = dense.t().contiguous().t();
  REQUIRE_FALSE(turned.is_contiguous());
  const at::Tensor grad = Values(2, 64 * 80).view({64, 80});
  const Adam8Tensors a = ZeroAdam8Tensors(dense), b = ZeroAdam8Tensors(turned);
  const Adam8Step step = MakeAdam8Step(1e-2, 0, 0.9, 0.999, 1e-8, 1);
  StepAdam8(dense, grad.t().contiguous().t(), step, a);
  StepAdam8(turned, grad, step, b);
  CHECK(at::equal(dense, turned));
  CHECK(SameMoments(a, b));
  CHECK_THROWS(StepAdam8(dense, grad.view({80, 64}), step, a));
  CHECK_THROWS(StepAdam8(dense, grad, step, ZeroAdam8Tensors(grad[0])));
}

}  // namespace
}  // namespace sft::kernels::adam8_test
