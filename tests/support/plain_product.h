// The product that every fast one is compared with.
#ifndef TESTS_SUPPORT_PLAIN_PRODUCT_H_
#define TESTS_SUPPORT_PLAIN_PRODUCT_H_

#include <ATen/ATen.h>

#include <cstdint>

namespace sft::support {

// a [M, K] b [K, N] -> [M, N] in f64: three loops.
inline at::Tensor PlainProduct(const at::Tensor& a_MK, const at::Tensor& b_KN) {
  const at::Tensor a = a_MK.detach().to(at::kDouble).contiguous();
  const at::Tensor b = b_KN.detach().to(at::kDouble).contiguous();
  const int64_t M = a.size(0), K = a.size(1), N = b.size(1);
  at::Tensor c = at::zeros({M, N}, at::kDouble);
  const double* from_a = a.const_data_ptr<double>();
  const double* from_b = b.const_data_ptr<double>();
  double* to = c.mutable_data_ptr<double>();
  for (int64_t m = 0; m < M; ++m) {
    for (int64_t k = 0; k < K; ++k) {
      for (int64_t n = 0; n < N; ++n) {
        to[m * N + n] += from_a[m * K + k] * from_b[k * N + n];
      }
    }
  }
  return c;
}

}  // namespace sft::support

#endif  // TESTS_SUPPORT_PLAIN_PRODUCT_H_
