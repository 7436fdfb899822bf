// Launchers of the CUDA kernels: raw device pointers, sizes and a stream; no
// LibTorch. Each returns what cudaGetLastError() said, "" if all went well.
#ifndef METHODS_KERNELS_LAUNCH_H_
#define METHODS_KERNELS_LAUNCH_H_

#include <stdint.h>

// As in driver_types.h, so that hosts need no CUDA header for this one.
typedef struct CUstream_st* cudaStream_t;

namespace sft {

// The CPU functions of nf4.h, on device memory.
const char* LaunchNf4Quantize(const float* x, int64_t n, uint8_t* codes,
                              float* absmax, cudaStream_t stream);
const char* LaunchNf4Dequantize(const uint8_t* codes, const float* absmax,
                                int64_t n, float* out, cudaStream_t stream);
const char* LaunchNf4DequantizeBf16(const uint8_t* codes, const float* absmax,
                                    int64_t n, uint16_t* out_bf16,
                                    cudaStream_t stream);
const char* LaunchDynamicQuantize(const float* x, int64_t n, uint8_t* codes,
                                  float* absmax, cudaStream_t stream);
// `offset` is one float on the device.
const char* LaunchDynamicDequantize(const uint8_t* codes, const float* absmax,
                                    int64_t n, const float* offset, float* out,
                                    cudaStream_t stream);

}  // namespace sft

#endif  // METHODS_KERNELS_LAUNCH_H_
