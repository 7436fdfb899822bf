// Launcher of the 8-bit AdamW kernel: raw device pointers, sizes and a
// stream; no LibTorch. Each returns what cudaGetLastError() said, "" if all
// went well.
#ifndef HARNESS_KERNELS_ADAM8_ADAM8_CUDA_H_
#define HARNESS_KERNELS_ADAM8_ADAM8_CUDA_H_

#include <stdint.h>

#include "harness/kernels/adam8/adam8_logic.h"
#include "harness/kernels/device/cuda_stream.h"

namespace sft::kernels {

// Adam8StepCpu of adam8.h, on device memory.
const char* LaunchAdam8Step(const float* grad, int64_t n, const Adam8Step& step,
                            float* weight, uint8_t* exp_avg,
                            uint8_t* exp_avg_sq, float* exp_avg_absmax,
                            float* exp_avg_sq_absmax, cudaStream_t stream);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ADAM8_ADAM8_CUDA_H_
