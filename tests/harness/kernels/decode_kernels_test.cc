// The kernels of a generation's step against LibTorch's operators in f64, and
// the maps that use them against their own forward passes.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "harness/kernels/attention/attention.h"
#include "harness/kernels/attention/cached_attention.h"
#include "harness/kernels/product/gemv.h"
#include "harness/model/ops/dense_linear.h"
#include "methods/qlora.h"
#include "tests/support/catch_torch.h"
#include "tests/support/every_set.h"

namespace sft::kernels::decode_kernels_test {
namespace {

// Sums of some hundred products of order 1, in f32; and where they are rounded
// to bf16, a unit in its last place.
constexpr double kF32 = 1e-5;
constexpr double kBf16 = 8e-3;

const Bf16* Bits(const at::Tensor& x) {
  return static_cast<const Bf16*>(x.const_data_ptr());
}
const float* Floats(const at::Tensor& x) { return x.const_data_ptr<float>(); }

// The largest difference over 1 and the largest value.
double Apart(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wanted = b.detach().to(at::kDouble);
  return a.to(at::kDouble).sub(wanted).abs().max().item<double>() /
         std::max(1.0, wanted.abs().max().item<double>());
}

TEST_CASE("rows times a weight equal the product in f64",
          "[kernels][generate]") {
  SFT_ON_EVERY_SET();
  for (const auto& [in, out] : {std::pair<int64_t, int64_t>{64, 8},
                                {576, 67},
                                {35, 130},
                                {7, 3},
                                {1, 1}}) {
    const at::Tensor w_OI = at::randn({out, in});
    const at::Tensor narrow_OI = w_OI.to(at::kBFloat16);
    const at::Tensor bias_O = at::randn({out});
    for (int64_t rows : {1, 2, 3, 4, 5, 8, 11}) {
      INFO("I " << in << " O " << out << " M " << rows);
      const at::Tensor x_MI = at::randn({rows, in});
      const at::Tensor y_MO = at::empty({rows, out});
      float* y = y_MO.mutable_data_ptr<float>();
      const auto product = [&](const at::Tensor& w) {
        return at::mm(x_MI.to(at::kDouble), w.to(at::kDouble).t());
      };
      MultiplyRows<float>(Floats(w_OI), Floats(x_MI), rows, in, out, {}, y);
      CHECK(Apart(y_MO, product(w_OI)) < kF32);
      // A row's result is its own, whatever stands beside it.
      const at::Tensor last_O = at::empty({out});
      MultiplyRows<float>(Floats(w_OI), Floats(x_MI) + (rows - 1) * in, 1, in,
                          out, {}, last_O.mutable_data_ptr<float>());
      CHECK(at::equal(last_O, y_MO[rows - 1]));
      // y + 0.5 product, on top of what is there.
      const at::Tensor before_MO = y_MO.clone();
      MultiplyRows<float>(Floats(w_OI), Floats(x_MI), rows, in, out,
                          {.add_scale = 0.5f}, y);
      CHECK(Apart(y_MO, before_MO * 1.5) < kF32);
      MultiplyRows<Bf16>(Bits(narrow_OI), Floats(x_MI), rows, in, out,
                         {.bias_O = Floats(bias_O), .to_bf16 = true}, y);
      CHECK(Apart(y_MO, product(narrow_OI) + bias_O) < kBf16);
      CHECK(at::equal(y_MO, y_MO.to(at::kBFloat16).to(at::kFloat)));
    }
  }
}

TEST_CASE("a row's product has the same bits whatever rows are beside it",
          "[kernels][generate]") {
  SFT_ON_EVERY_SET();
  constexpr int64_t in = 576 + 5, out = 70, most = 17;
  const at::Tensor w_OI = at::randn({out, in}), x_MI = at::randn({most, in});
  const at::Tensor narrow_OI = w_OI.to(at::kBFloat16);
  const auto product = [&](const at::Tensor& x, bool narrow) {
    const at::Tensor y_MO = at::empty({x.size(0), out});
    float* y = y_MO.mutable_data_ptr<float>();
    if (narrow) {
      MultiplyRows<Bf16>(Bits(narrow_OI), Floats(x), x.size(0), in, out, {}, y);
    } else {
      MultiplyRows<float>(Floats(w_OI), Floats(x), x.size(0), in, out, {}, y);
    }
    return y_MO;
  };
  for (const bool narrow : {false, true}) {
    std::vector<at::Tensor> alone;
    for (int64_t m = 0; m < most; ++m) {
      alone.push_back(product(x_MI.narrow(0, m, 1), narrow));
    }
    for (int64_t rows = 2; rows <= most; ++rows) {
      INFO(rows << " rows, bf16 " << narrow);
      CHECK(at::equal(product(x_MI.narrow(0, 0, rows), narrow),
                      at::cat(alone).narrow(0, 0, rows)));
    }
  }
}

TEST_CASE("the number of threads changes no bit of a product",
          "[kernels][generate]") {
  SFT_ON_EVERY_SET();
  const at::Tensor w_OI = at::randn({1000, 96}), x_MI = at::randn({3, 96});
  const auto product = [&] {
    const at::Tensor y_MO = at::empty({3, 1000});
    MultiplyRows<float>(Floats(w_OI), Floats(x_MI), 3, 96, 1000, {},
                        y_MO.mutable_data_ptr<float>());
    return y_MO;
  };
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = product();
  at::set_num_threads(3);
  CHECK(at::equal(product(), one));
  at::set_num_threads(threads);
}

TEST_CASE("cached attention by the kernel equals LibTorch's",
          "[kernels][generate]") {
  SFT_ON_EVERY_SET();
  constexpr int64_t B = 3, N = 6, K = 2, S = 20, H = 24;
  for (const bool narrow : {false, true}) {
    for (const auto& [window, softcap] :
         {std::pair<int64_t, double>{0, 0}, {4, 0}, {0, 2.5}, {30, 2.5}}) {
      INFO("bf16 " << narrow << " window " << window << " cap " << softcap);
      const auto drawn = [&](at::IntArrayRef sizes) {
        const at::Tensor x = at::randn(sizes);
        return narrow ? x.to(at::kBFloat16).to(at::kFloat) : x;
      };
      // The last two are of one row: the second sees the first.
      const std::vector<int64_t> rows = {0, 1, 2, 2}, slots = {0, 19, 7, 8};
      const int64_t M = std::ssize(rows);
      const at::Tensor q = drawn({M, N, H}), k = drawn({M, K, H}),
                       v = drawn({M, K, H}), out = at::empty({M, N, H});
      at::Tensor keys = drawn({B, K, S, H}), values = drawn({B, K, S, H});
      at::Tensor all_k = keys.clone(), all_v = values.clone();
      for (int64_t m = 0; m < M; ++m) {
        all_k[rows[m]].select(1, slots[m]).copy_(k[m]);
        all_v[rows[m]].select(1, slots[m]).copy_(v[m]);
      }
      const at::Tensor row_M = at::tensor(rows, at::kLong);
      const at::Tensor seen_M1 = at::tensor(slots, at::kLong).unsqueeze(1) + 1;
      const at::Tensor wanted =
          CachedAttention(q.unsqueeze(2).to(at::kDouble),
                          all_k.index_select(0, row_M).to(at::kDouble),
                          all_v.index_select(0, row_M).to(at::kDouble),
                          SeenSlots(seen_M1, S, window), 0.3, softcap);
      CachedShape shape;
      shape.tokens = M, shape.heads = N, shape.kv_heads = K;
      shape.head_width = H, shape.slots = S;
      shape.rows_M = rows.data(), shape.slots_M = slots.data();
      shape.scale = 0.3f, shape.softcap = static_cast<float>(softcap);
      shape.window = window;
      if (narrow) {
        keys = keys.to(at::kBFloat16), values = values.to(at::kBFloat16);
        CachedAttentionRows<Bf16>(shape, Floats(q), Floats(k), Floats(v),
                                  const_cast<Bf16*>(Bits(keys)),
                                  const_cast<Bf16*>(Bits(values)),
                                  out.mutable_data_ptr<float>());
      } else {
        CachedAttentionRows<float>(shape, Floats(q), Floats(k), Floats(v),
                                   keys.mutable_data_ptr<float>(),
                                   values.mutable_data_ptr<float>(),
                                   out.mutable_data_ptr<float>());
      }
      CHECK(Apart(out.unsqueeze(2), wanted) < (narrow ? kBf16 : kF32));
      CHECK(at::equal(keys.to(at::kFloat), all_k));
      CHECK(at::equal(values.to(at::kFloat), all_v));
    }
  }
}

// The rows of a step through a map as Forward gives them.
void CheckRows(model::LinearMap& map, int64_t in, int64_t out,
               at::ScalarType compute) {
  for (int64_t rows : {1, 3, 8, 10}) {
    const at::Tensor x_MI = at::randn({rows, in}).to(compute);
    const at::Tensor wide_MI = x_MI.to(at::kFloat);
    const at::Tensor y_MO = at::empty({rows, out});
    REQUIRE(map.MapRows(Floats(wide_MI), rows, y_MO.mutable_data_ptr<float>()));
    CHECK(Apart(y_MO, map.Forward(x_MI, {})) <
          (compute == at::kFloat ? kF32 : 2 * kBf16));
  }
}

TEST_CASE("maps give a step's rows as they give a batch",
          "[qlora][lora][generate]") {
  SFT_ON_EVERY_SET();
  c10::NoGradGuard off;
  constexpr int64_t in = 192, out = 70, rank = 4;
  for (const at::ScalarType compute : {at::kFloat, at::kBFloat16}) {
    for (const bool biased : {false, true}) {
      const at::Tensor w_OI = at::randn({out, in}) * 0.1;
      const at::Tensor bias_O = biased ? at::randn({out}) : at::Tensor();
      const auto adapted = [&](std::unique_ptr<model::LinearMap> base) {
        methods::LoraFactors factors;
        factors.a_RI = at::randn({rank, in}) * 0.1;
        factors.b_OR = at::randn({out, rank});
        factors.scale = 2;
        return methods::LoraLinear(std::move(base), factors, compute, 0.0, 0);
      };
      model::DenseLinear dense(w_OI, bias_O, compute);
      CheckRows(dense, in, out, compute);
      methods::LoraLinear lora =
          adapted(std::make_unique<model::DenseLinear>(w_OI, bias_O, compute));
      CheckRows(lora, in, out, compute);
      for (const bool twice : {false, true}) {
        methods::Nf4Linear nf4(QuantizeNf4(w_OI, twice), bias_O, compute);
        CheckRows(nf4, in, out, compute);
        methods::LoraLinear qlora =
            adapted(std::make_unique<methods::Nf4Linear>(
                QuantizeNf4(w_OI, twice), bias_O, compute));
        CheckRows(qlora, in, out, compute);
      }
    }
  }
  // A row that ends within a block, and f64, have no such kernel.
  methods::Nf4Linear ragged(QuantizeNf4(at::randn({4, 80}), true), {},
                            at::kFloat);
  model::DenseLinear wide(at::randn({4, 8}, at::kDouble), {}, at::kDouble);
  float room[80] = {};
  CHECK_FALSE(ragged.MapRows(room, 1, room));
  CHECK_FALSE(wide.MapRows(room, 1, room));
}

}  // namespace
}  // namespace sft::kernels::decode_kernels_test
