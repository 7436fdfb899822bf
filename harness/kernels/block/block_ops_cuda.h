// Launchers of the block kernels: raw device pointers, sizes and a
// stream; no LibTorch. Each returns what cudaGetLastError() said, "" if all
// went well.
#ifndef HARNESS_KERNELS_BLOCK_BLOCK_OPS_CUDA_H_
#define HARNESS_KERNELS_BLOCK_BLOCK_OPS_CUDA_H_

#include <stdint.h>

#include "harness/kernels/device/cuda_stream.h"

namespace sft::kernels {

// The functions of block_ops.h, on device memory; T is float or bf16's bits.
template <class T>
const char* LaunchRmsNormForward(const float* x, const float* w, int64_t rows,
                                 int64_t width, float epsilon, T* y,
                                 float* rstd, cudaStream_t stream);
// Where grad_w is not null, `sums` is room for [ceil(rows / kRowPart), width].
template <class T>
const char* LaunchRmsNormBackward(const T* grad, const float* x, const float* w,
                                  const float* rstd, int64_t rows,
                                  int64_t width, float* grad_x, float* grad_w,
                                  float* sums, cudaStream_t stream);
template <class T>
const char* LaunchSwiGluForward(const T* gate, const T* up, int64_t n, T* y,
                                cudaStream_t stream);
template <class T>
const char* LaunchSwiGluBackward(const T* grad, const T* gate, const T* up,
                                 int64_t n, T* grad_gate, T* grad_up,
                                 cudaStream_t stream);
template <class T>
const char* LaunchRotateRows(const T* x, const float* cos, const float* sin,
                             int64_t rows, int64_t heads, int64_t width,
                             bool inverse, T* y, cudaStream_t stream);
// losses [rows], one a row.
template <class T>
const char* LaunchCrossEntropyRows(T* logits, const int64_t* labels,
                                   int64_t rows, int64_t vocabulary,
                                   bool gradient, double* losses,
                                   cudaStream_t stream);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_BLOCK_BLOCK_OPS_CUDA_H_
