// The elementwise and row-wise operations of a transformer block on the CPU,
// each one pass over memory forward and one backward, arithmetic in f32. `T` is
// float or Bf16. Pointers and sizes only; rows are dense.
// M rows, D width, H head width.
#ifndef HARNESS_KERNELS_BLOCK_BLOCK_OPS_H_
#define HARNESS_KERNELS_BLOCK_BLOCK_OPS_H_

#include <cstdint>

#include "harness/kernels/shared/vector_math.h"

namespace sft::kernels {

// y = x * rstd * w, rstd = 1 / sqrt(mean(x^2) + epsilon) (RMSNorm, arXiv
// 1910.07467, equation 4). x [M, D], w [D] -> y [M, D], rstd [M].
template <class T>
void RmsNormForward(const float* x, const float* w, int64_t rows, int64_t width,
                    float epsilon, T* y, float* rstd);
// grad_x [M, D] and, where not null, grad_w [D], both overwritten.
template <class T>
void RmsNormBackward(const T* grad, const float* x, const float* w,
                     const float* rstd, int64_t rows, int64_t width,
                     float* grad_x, float* grad_w);

// act(gate) * up with act the SiLU (SwiGLU, arXiv 2002.05202, equation 5), n
// elements.
template <class T>
void SwiGluForward(const T* gate, const T* up, int64_t n, T* y);
template <class T>
void SwiGluBackward(const T* grad, const T* gate, const T* up, int64_t n,
                    T* grad_gate, T* grad_up);

// Rotary positions in halves (arXiv 2104.09864, equation 34, the pairs H/2
// apart): every head of row m of x [M, heads, H] turned by the angles whose
// cos and sin stand in row m of [M, H], both halves alike; backwards with
// `inverse`.
template <class T>
void RotateRows(const T* x, const float* cos, const float* sin, int64_t rows,
                int64_t heads, int64_t width, bool inverse, T* y);

// Cross-entropy of rows of logits [M, V] against labels [M], in nats; the
// logits become the gradient of their sum (softmax - one hot), or stay where
// `gradient` is false. The row of a negative label counts for nothing.
template <class T>
double CrossEntropyRows(T* logits, const int64_t* labels, int64_t rows,
                        int64_t vocabulary, bool gradient);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_BLOCK_BLOCK_OPS_H_
