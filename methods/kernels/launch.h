// Launchers of the CUDA kernels: raw device pointers, sizes and a stream; no
// LibTorch. Each returns what cudaGetLastError() said, "" if all went well.
#ifndef METHODS_KERNELS_LAUNCH_H_
#define METHODS_KERNELS_LAUNCH_H_

#include <stdint.h>

#include "methods/kernels/adam8_logic.h"
#include "methods/kernels/nf4_logic.h"

// As in driver_types.h, so that hosts need no CUDA header for this one.
typedef struct CUstream_st* cudaStream_t;

namespace sft {

// The CPU functions of nf4.h, on device memory.
const char* LaunchNf4Quantize(const float* x, int64_t n, uint8_t* codes,
                              float* absmax, cudaStream_t stream);
// T is float, or bf16 as its bits; codes and out aligned to 16 bytes.
template <class T>
const char* LaunchNf4Dequantize(const uint8_t* codes, const float* absmax,
                                int64_t n, T* out, cudaStream_t stream);
const char* LaunchDynamicQuantize(const float* x, int64_t n, uint8_t* codes,
                                  float* absmax, cudaStream_t stream);
// `offset` is one float on the device.
const char* LaunchDynamicDequantize(const uint8_t* codes, const float* absmax,
                                    int64_t n, const float* offset, float* out,
                                    cudaStream_t stream);
// Nf4RowProduct of nf4_row.h; x and codes aligned to 16 bytes.
template <class T>
const char* LaunchNf4RowProduct(const T* x, const uint8_t* codes,
                                const Nf4Scales& scales, int64_t inputs,
                                int64_t outputs, T* y, cudaStream_t stream);

// Adam8StepCpu of adam8.h, on device memory.
const char* LaunchAdam8Step(const float* grad, int64_t n, const Adam8Step& step,
                            float* weight, uint8_t* exp_avg,
                            uint8_t* exp_avg_sq, float* exp_avg_absmax,
                            float* exp_avg_sq_absmax, cudaStream_t stream);

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

}  // namespace sft

#endif  // METHODS_KERNELS_LAUNCH_H_
