// One row of x times an NF4 weight on the CPU, as decoding wants it: the oracle
// of LaunchNf4RowProduct. `T` is float or Bf16. Pointers and sizes only.
// I inputs, O outputs.
#ifndef HARNESS_KERNELS_NF4_NF4_ROW_H_
#define HARNESS_KERNELS_NF4_NF4_ROW_H_

#include <cstdint>

#include "harness/kernels/nf4/nf4_logic.h"
#include "harness/kernels/shared/elements.h"

namespace sft::kernels {

// y[o] = sum over i of x[i] * w[o, i], f32 sums, the weights rounded to T as
// the dense copy's are, of which no more than a row ever exists. x [I], codes
// and scales of w [O, I], I a multiple of kNf4BlockSize -> y [O].
template <class T>
void Nf4RowProduct(const T* x, const uint8_t* codes, const Nf4Scales& scales,
                   int64_t inputs, int64_t outputs, T* y);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_NF4_NF4_ROW_H_
