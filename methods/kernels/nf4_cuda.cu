// NF4 and double quantization on CUDA. Oracle: the CPU functions of nf4.h, bit
// for bit. Quantizing: one warp a block of 64 weights, one thread block a block
// of 256 absmax. Dequantizing: one thread a byte of codes. The product with a
// row: one warp an output, whose sum has an order of its own.
#include <cuda_runtime.h>

#include "methods/kernels/block_logic.h"
#include "methods/kernels/launch.h"
#include "methods/kernels/nf4_logic.h"
#include "methods/kernels/nf4_tables.h"
#include "methods/kernels/reduce.cuh"

namespace sft {
namespace {

__device__ const float kCode16[kNf4Codes] = {SFT_NF4_CODES};
__device__ const float kCode256[kDynamicCodes] = {SFT_DYNAMIC_CODES};

constexpr int kThreads = 256;

// Lane l holds elements 2l and 2l+1 of the block: one byte of codes.
__global__ void Nf4QuantizeKernel(const float* __restrict__ x, int64_t n,
                                  uint8_t* __restrict__ codes,
                                  float* __restrict__ absmax) {
  const int64_t block =
      (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane = threadIdx.x % kWarp;
  const int64_t begin = block * kNf4BlockSize;
  if (begin >= n) return;  // the whole warp leaves
  const bool whole = n - begin >= kNf4BlockSize;
  const int64_t i = begin + 2 * lane;
  const float x0 = i < n ? x[i] : 0.0f;
  const float x1 = i + 1 < n ? x[i + 1] : 0.0f;
  float m = WarpReduce<Max>(fmaxf(fabsf(x0), fabsf(x1)));
  if (!whole) m = fmaxf(m, kSmallestAbsmax);
  if (lane == 0) absmax[block] = m;
  if (i >= n) return;
  const float scale = Nf4Scale(m);
  const int high = whole ? Nf4EncodeWhole(x0, scale, kCode16)
                         : Nf4EncodeRest(x0, m, kCode16);
  const int low = whole ? Nf4EncodeWhole(x1, scale, kCode16)
                        : Nf4EncodeRest(x1, m, kCode16);
  codes[i / 2] = static_cast<uint8_t>(high << 4 | low);
}

template <class T>
__global__ void Nf4DequantizeKernel(const uint8_t* __restrict__ codes,
                                    const float* __restrict__ absmax, int64_t n,
                                    T* __restrict__ out) {
  __shared__ float code[kNf4Codes];
  if (threadIdx.x < kNf4Codes) code[threadIdx.x] = kCode16[threadIdx.x];
  __syncthreads();
  const int64_t byte =
      static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int64_t i = 2 * byte;
  if (i >= n) return;
  const float m = absmax[i / kNf4BlockSize];
  Store(MulRounded(code[codes[byte] >> 4], m), out + i);
  if (i + 1 < n) Store(MulRounded(code[codes[byte] & 15], m), out + i + 1);
}

__global__ void DynamicQuantizeKernel(const float* __restrict__ x, int64_t n,
                                      uint8_t* __restrict__ codes,
                                      float* __restrict__ absmax) {
  static_assert(kThreads == kAbsmaxBlockSize, "one thread an element");
  const int64_t i =
      static_cast<int64_t>(blockIdx.x) * kAbsmaxBlockSize + threadIdx.x;
  const float v = i < n ? x[i] : 0.0f;
  const float m = BlockReduce<Max, kThreads>(fabsf(v));
  if (threadIdx.x == 0) absmax[blockIdx.x] = m;
  if (i >= n) return;
  codes[i] = m == 0.0f ? uint8_t{0}
                       : static_cast<uint8_t>(
                             DynamicEncode(v, DivRounded(1.0f, m), kCode256));
}

__global__ void DynamicDequantizeKernel(const uint8_t* __restrict__ codes,
                                        const float* __restrict__ absmax,
                                        int64_t n,
                                        const float* __restrict__ offset,
                                        float* __restrict__ out) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[i] =
      DynamicDecode(codes[i], absmax[i / kAbsmaxBlockSize], *offset, kCode256);
}

// A lane takes eight weights, four bytes of codes, at a time: all of one block,
// as `inputs` are whole blocks.
template <class T>
__global__ void Nf4RowProductKernel(const T* __restrict__ x,
                                    const uint8_t* __restrict__ codes,
                                    Nf4Scales scales, int64_t inputs,
                                    int64_t outputs, T* __restrict__ y) {
  __shared__ float code[kNf4Codes];
  if (threadIdx.x < kNf4Codes) code[threadIdx.x] = kCode16[threadIdx.x];
  __syncthreads();
  const int64_t output =
      (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) / kWarp;
  if (output >= outputs) return;  // the whole warp leaves
  const int lane = threadIdx.x % kWarp;
  float sum = 0;
  for (int64_t i = 8 * lane; i < inputs; i += 8 * kWarp) {
    const int64_t at = output * inputs + i;
    const float m = Nf4AbsmaxOf(scales, at / kNf4BlockSize, kCode256);
    uint32_t bytes = *reinterpret_cast<const uint32_t*>(codes + at / 2);
    for (int j = 0; j < 8; j += 2, bytes >>= 8) {
      sum += ToFloat(x[i + j]) * RoundedTo<T>(code[bytes >> 4 & 15] * m);
      sum += ToFloat(x[i + j + 1]) * RoundedTo<T>(code[bytes & 15] * m);
    }
  }
  sum = WarpReduce<Sum>(sum);
  if (lane == 0) Store(sum, y + output);
}

unsigned Grid(int64_t threads) {
  return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

}  // namespace

const char* LaunchNf4Quantize(const float* x, int64_t n, uint8_t* codes,
                              float* absmax, cudaStream_t stream) {
  if (n == 0) return "";
  const int64_t blocks = (n + kNf4BlockSize - 1) / kNf4BlockSize;
  Nf4QuantizeKernel<<<Grid(blocks * kWarp), kThreads, 0, stream>>>(x, n, codes,
                                                                   absmax);
  return LastError();
}

template <class T>
const char* LaunchNf4Dequantize(const uint8_t* codes, const float* absmax,
                                int64_t n, T* out, cudaStream_t stream) {
  if (n == 0) return "";
  Nf4DequantizeKernel<<<Grid((n + 1) / 2), kThreads, 0, stream>>>(codes, absmax,
                                                                  n, out);
  return LastError();
}
template const char* LaunchNf4Dequantize(const uint8_t*, const float*, int64_t,
                                         float*, cudaStream_t);
template const char* LaunchNf4Dequantize(const uint8_t*, const float*, int64_t,
                                         Bf16*, cudaStream_t);

template <class T>
const char* LaunchNf4RowProduct(const T* x, const uint8_t* codes,
                                const Nf4Scales& scales, int64_t inputs,
                                int64_t outputs, T* y, cudaStream_t stream) {
  if (outputs == 0) return "";
  Nf4RowProductKernel<<<Grid(outputs * kWarp), kThreads, 0, stream>>>(
      x, codes, scales, inputs, outputs, y);
  return LastError();
}
template const char* LaunchNf4RowProduct(const float*, const uint8_t*,
                                         const Nf4Scales&, int64_t, int64_t,
                                         float*, cudaStream_t);
template const char* LaunchNf4RowProduct(const Bf16*, const uint8_t*,
                                         const Nf4Scales&, int64_t, int64_t,
                                         Bf16*, cudaStream_t);

const char* LaunchDynamicQuantize(const float* x, int64_t n, uint8_t* codes,
                                  float* absmax, cudaStream_t stream) {
  if (n == 0) return "";
  DynamicQuantizeKernel<<<Grid(n), kThreads, 0, stream>>>(x, n, codes, absmax);
  return LastError();
}

const char* LaunchDynamicDequantize(const uint8_t* codes, const float* absmax,
                                    int64_t n, const float* offset, float* out,
                                    cudaStream_t stream) {
  if (n == 0) return "";
  DynamicDequantizeKernel<<<Grid(n), kThreads, 0, stream>>>(codes, absmax, n,
                                                            offset, out);
  return LastError();
}

}  // namespace sft
