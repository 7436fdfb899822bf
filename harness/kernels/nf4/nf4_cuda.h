// Launchers of the NF4 kernels: raw device pointers, sizes and a
// stream; no LibTorch. Each returns what cudaGetLastError() said, "" if all
// went well.
#ifndef HARNESS_KERNELS_NF4_NF4_CUDA_H_
#define HARNESS_KERNELS_NF4_NF4_CUDA_H_

#include <stdint.h>

#include "harness/kernels/device/cuda_stream.h"
#include "harness/kernels/nf4/nf4_logic.h"

namespace sft::kernels {

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

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_NF4_NF4_CUDA_H_
