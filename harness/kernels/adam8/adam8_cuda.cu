// The step of 8-bit AdamW on CUDA. Oracle: Adam8StepCpu, bit for bit. One
// thread block a quantization block, one thread a weight.
#include <cuda_runtime.h>

#include "harness/kernels/adam8/adam8_cuda.h"
#include "harness/kernels/adam8/adam8_logic.h"
#include "harness/kernels/adam8/adam8_tables.h"
#include "harness/kernels/device/reduce.cuh"
#include "harness/kernels/nf4/nf4_tables.h"

namespace sft::kernels {
namespace {

__device__ const float kSigned[kDynamicCodes] = {SFT_DYNAMIC_CODES};
__device__ const float kUnsigned[kDynamicCodes] = {SFT_UNSIGNED_DYNAMIC_CODES};

constexpr int kThreads = kAdam8BlockSize;

// The code of x in its block, whose absmax thread 0 writes.
__device__ uint8_t Quantized(float x, const float* code256, float* absmax) {
  const float largest = Adam8Absmax(BlockReduce<Max, kThreads>(fabsf(x)));
  if (threadIdx.x == 0) *absmax = largest;
  if (largest == 0.0f) return 0;
  return static_cast<uint8_t>(DynamicEncode(x, Adam8Scale(largest), code256));
}

__global__ void Adam8Kernel(const float* __restrict__ grad, int64_t n,
                            Adam8Step step, float* __restrict__ weight,
                            uint8_t* __restrict__ exp_avg_codes,
                            uint8_t* __restrict__ exp_avg_sq_codes,
                            float* __restrict__ exp_avg_absmax,
                            float* __restrict__ exp_avg_sq_absmax) {
  __shared__ float code[kDynamicCodes], code_sq[kDynamicCodes];
  static_assert(kThreads == kDynamicCodes, "one thread loads one code");
  code[threadIdx.x] = kSigned[threadIdx.x];
  code_sq[threadIdx.x] = kUnsigned[threadIdx.x];
  __syncthreads();
  const int64_t block = blockIdx.x;
  const int64_t i = block * kThreads + threadIdx.x;
  const bool inside = i < n;
  float exp_avg = 0, exp_avg_sq = 0;
  if (inside) {
    const float g = grad[i];
    exp_avg = Adam8ExpAvg(
        Adam8Decode(exp_avg_codes[i], exp_avg_absmax[block], code), g, step);
    exp_avg_sq = Adam8ExpAvgSq(
        Adam8Decode(exp_avg_sq_codes[i], exp_avg_sq_absmax[block], code_sq), g,
        step);
    weight[i] = Adam8Weight(weight[i], exp_avg, exp_avg_sq, step);
  }
  // The reductions' barriers come between reading absmax and writing it.
  const uint8_t of_exp_avg = Quantized(exp_avg, code, exp_avg_absmax + block);
  const uint8_t of_exp_avg_sq =
      Quantized(exp_avg_sq, code_sq, exp_avg_sq_absmax + block);
  if (!inside) return;
  exp_avg_codes[i] = of_exp_avg;
  exp_avg_sq_codes[i] = of_exp_avg_sq;
}

}  // namespace

const char* LaunchAdam8Step(const float* grad, int64_t n, const Adam8Step& step,
                            float* weight, uint8_t* exp_avg,
                            uint8_t* exp_avg_sq, float* exp_avg_absmax,
                            float* exp_avg_sq_absmax, cudaStream_t stream) {
  if (n == 0) return "";
  const unsigned blocks = static_cast<unsigned>((n + kThreads - 1) / kThreads);
  Adam8Kernel<<<blocks, kThreads, 0, stream>>>(grad, n, step, weight, exp_avg,
                                               exp_avg_sq, exp_avg_absmax,
                                               exp_avg_sq_absmax);
  return LastError();
}

}  // namespace sft::kernels
