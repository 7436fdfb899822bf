// Products of a weight with the few rows of x that a generation's step has,
// on the CPU: bound by reading the weight, so each element is read once from
// memory for all rows and widened in registers. Sums run in 16 fixed lanes: no
// result depends on the threads or the other rows, nor on the instruction set
// among those that make a product and its sum one operation (v3, v4).
// M rows, I in and O out features.
#ifndef HARNESS_KERNELS_PRODUCT_GEMV_H_
#define HARNESS_KERNELS_PRODUCT_GEMV_H_

#include <cstdint>

#include "harness/kernels/nf4/nf4_logic.h"
#include "harness/kernels/shared/vector_math.h"

namespace sft::kernels {

// What becomes of the sums.
struct RowResult {
  const float* bias_O = nullptr;  // added, where not null
  bool to_bf16 = false;           // rounded to values that bf16 holds
  float add_scale = 0;            // where not 0: y += add_scale * product
};

// x [n], each rounded to what bf16 holds, in place.
void RoundToBf16(float* x, int64_t n);

// y [M, O] = x [M, I] w^T, w [O, I] of float or Bf16.
template <class W>
void MultiplyRows(const W* w_OI, const float* x_MI, int64_t rows,
                  int64_t in_features, int64_t out_features,
                  const RowResult& result, float* y_MO);

// An NF4 weight [O, I] whose rows are whole blocks (I a multiple of 64). Its
// absmax is `absmax` [O I / 64], or where that is null double quantized:
// absmax_map[absmax_codes[b]] * absmax2[b / 256] + offset.
struct Nf4Rows {
  const uint8_t* codes = nullptr;
  const float* absmax = nullptr;
  const uint8_t* absmax_codes = nullptr;
  const float* absmax2 = nullptr;
  float offset = 0;
  bool weight_to_bf16 = false;  // a weight is rounded before it multiplies
};
void MultiplyRowsNf4(const Nf4Rows& w, const float* x_MI, int64_t rows,
                     int64_t in_features, int64_t out_features,
                     const RowResult& result, float* y_MO);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_PRODUCT_GEMV_H_
