// The products of attention's tiles against LibTorch's in f64.
#include "harness/kernels/product/tile_product.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "tests/support/catch_torch.h"
#include "tests/support/every_set.h"

namespace sft::kernels::tile_product_test {
namespace {

// Sums of up to 300 products of order 1, in f32.
constexpr double kBound = 2e-5;

TEST_CASE("products of tiles equal those in f64", "[kernels]") {
  SFT_ON_EVERY_SET();
  at::manual_seed(7);
  for (int64_t m : {1, 5, 6, 7, 19}) {
    for (int64_t n : {1, 15, 16, 17, 40, 64, 130}) {
      for (int64_t k : {1, 64, 300}) {
        for (int form = 0; form < 8; ++form) {
          const bool a_t = (form & 1) != 0, b_t = (form & 2) != 0;
          const bool add = (form & 4) != 0;
          INFO(m << " x " << n << " x " << k << " form " << form);
          const at::Tensor a = a_t ? at::randn({k, m}) : at::randn({m, k});
          const at::Tensor b = b_t ? at::randn({n, k}) : at::randn({k, n});
          // Rows of c lie further apart than they are long.
          const at::Tensor c = at::randn({m, n + 3});
          const at::Tensor before = c.clone();
          TileProduct(m, n, k, 0.5f,
                      {a.const_data_ptr<float>(), a.size(1), a_t},
                      {b.const_data_ptr<float>(), b.size(1), b_t}, add,
                      c.mutable_data_ptr<float>(), n + 3);
          at::Tensor wanted = at::mm((a_t ? a.t() : a).to(at::kDouble),
                                     (b_t ? b.t() : b).to(at::kDouble)) *
                              0.5;
          if (add) wanted = wanted + before.narrow(1, 0, n);
          const double scale = std::max(1.0, wanted.abs().max().item<double>());
          CHECK((c.narrow(1, 0, n) - wanted).abs().max().item<double>() <
                kBound * scale);
          CHECK(at::equal(c.narrow(1, n, 3), before.narrow(1, n, 3)));
        }
      }
    }
  }
}

TEST_CASE("products of any size equal those in f64, whatever the threads",
          "[kernels]") {
  SFT_ON_EVERY_SET();
  at::manual_seed(9);
  const int threads = at::get_num_threads();
  for (int64_t m : {3, 121, 250}) {
    for (int64_t n : {1, 64, 130}) {
      for (int64_t k : {1, 300, 1700}) {
        for (int form = 0; form < 8; ++form) {
          const bool a_t = (form & 1) != 0, b_t = (form & 2) != 0;
          const bool add = (form & 4) != 0;
          INFO(m << " x " << n << " x " << k << " form " << form);
          // Rows lie further apart than they are long.
          const auto drawn = [](int64_t rows, int64_t columns) {
            return at::randn({rows, columns + 5}).narrow(1, 2, columns);
          };
          const at::Tensor a = a_t ? drawn(k, m).t() : drawn(m, k);
          const at::Tensor b = b_t ? drawn(n, k).t() : drawn(k, n);
          const at::Tensor before = at::randn({m, n});
          at::Tensor wanted = at::mm(a.to(at::kDouble), b.to(at::kDouble));
          if (add) wanted = wanted + before;
          const at::Tensor c = before.clone(), again = before.clone();
          const auto multiply = [&](const at::Tensor& to) {
            MatrixProduct(
                m, n, k,
                {a.const_data_ptr<float>(), a.stride(a_t ? 1 : 0), a_t},
                {b.const_data_ptr<float>(), b.stride(b_t ? 1 : 0), b_t}, add,
                to.mutable_data_ptr<float>());
          };
          at::set_num_threads(1);
          multiply(c);
          at::set_num_threads(2);
          multiply(again);
          at::set_num_threads(threads);
          const double scale = std::max(1.0, wanted.abs().max().item<double>());
          CHECK((c - wanted).abs().max().item<double>() < kBound * scale);
          CHECK(at::equal(c, again));
        }
      }
    }
  }
  const at::Tensor c = at::ones({2, 3});
  MatrixProduct(2, 3, 0, {}, {}, /*add=*/true, c.mutable_data_ptr<float>());
  CHECK(at::equal(c, at::ones({2, 3})));
  MatrixProduct(2, 3, 0, {}, {}, /*add=*/false, c.mutable_data_ptr<float>());
  CHECK(at::equal(c, at::zeros({2, 3})));
}

TEST_CASE("a packed matrix gives the bits of the plain product", "[kernels]") {
  SFT_ON_EVERY_SET();
  at::manual_seed(8);
  for (int64_t m : {1, 119, 121, 250}) {
    for (int64_t n : {1, 63, 64, 130}) {
      for (int64_t k : {0, 77, 1601}) {
        INFO(m << " x " << n << " x " << k);
        const at::Tensor a = at::randn({m, k}), b = at::randn({n, k});
        const TileMatrix b_t = {b.const_data_ptr<float>(), k, true};
        const at::Tensor packed = at::empty({PackedSize(n, k)});
        PackTiles(n, k, b_t, packed.mutable_data_ptr<float>());
        const at::Tensor c = at::empty({m, n}), plain = at::empty({m, n});
        PackedProduct(m, n, k, a.const_data_ptr<float>(),
                      packed.const_data_ptr<float>(),
                      c.mutable_data_ptr<float>());
        MatrixProduct(m, n, k, {a.const_data_ptr<float>(), k}, b_t,
                      /*add=*/false, plain.mutable_data_ptr<float>());
        CHECK(at::equal(c, plain));
      }
    }
  }
}

}  // namespace
}  // namespace sft::kernels::tile_product_test
