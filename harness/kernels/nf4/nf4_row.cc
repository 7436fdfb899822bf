#include "harness/kernels/nf4/nf4_row.h"

#include <ATen/Parallel.h>

#include <vector>

#include "harness/kernels/nf4/nf4.h"
#include "harness/kernels/shared/vectorized.h"

namespace sft::kernels {
namespace {

constexpr int64_t kOutputsPerTask = 16;

template <class T>
SFT_INLINE float Dot(const T* x, const T* w, int64_t n) {
  return LaneSum(n, [=](int64_t i) { return ToFloat(x[i]) * ToFloat(w[i]); });
}

}  // namespace

template <class T>
void Nf4RowProduct(const T* x, const uint8_t* codes, const Nf4Scales& scales,
                   int64_t inputs, int64_t outputs, T* y) {
  const int64_t blocks = inputs / kNf4BlockSize;
  at::parallel_for(0, outputs, kOutputsPerTask,
                   [&](int64_t first, int64_t last) {
                     std::vector<float> absmax(static_cast<size_t>(blocks));
                     std::vector<T> w(static_cast<size_t>(inputs));
                     for (int64_t o = first; o < last; ++o) {
                       for (int64_t b = 0; b < blocks; ++b) {
                         absmax[static_cast<size_t>(b)] =
                             Nf4AbsmaxOf(scales, o * blocks + b, kDynamicCode);
                       }
                       Nf4DequantizeCpu(codes + o * inputs / 2, absmax.data(),
                                        inputs, 0, blocks, w.data());
                       Store(Vectorized<&Dot<T>>(x, w.data(), inputs), y + o);
                     }
                   });
}

template void Nf4RowProduct(const float*, const uint8_t*, const Nf4Scales&,
                            int64_t, int64_t, float*);
template void Nf4RowProduct(const Bf16*, const uint8_t*, const Nf4Scales&,
                            int64_t, int64_t, Bf16*);

}  // namespace sft::kernels
