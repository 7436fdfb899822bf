// NF4 and double quantization on CUDA. Oracle: the CPU functions of nf4.h, bit
// for bit. Quantizing: one warp a block of 64 weights, one thread block a block
// of 256 absmax. Dequantizing: one thread sixteen weights. The product with a
// row: one warp an output, whose sum has an order of its own. Weights are read
// and written in words, for which pointers are multiples of 16 bytes.
#include <cuda_runtime.h>

#include "harness/kernels/device/reduce.cuh"
#include "harness/kernels/nf4/nf4_cuda.h"
#include "harness/kernels/nf4/nf4_logic.h"
#include "harness/kernels/nf4/nf4_tables.h"
#include "harness/kernels/shared/elements.h"

namespace sft::kernels {
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

// Weights that a thread takes at a time: all of one block.
constexpr int kTaken = 16;

__device__ void DecodeTaken(const uint8_t* __restrict__ codes,
                            const float* __restrict__ code, float* out) {
  const uint2 words = *reinterpret_cast<const uint2*>(codes);
#pragma unroll
  for (int j = 0; j < kTaken; j += 2) {
    const uint32_t byte = (j < 8 ? words.x : words.y) >> (4 * (j % 8));
    out[j] = code[byte >> 4 & 15];
    out[j + 1] = code[byte & 15];
  }
}

__device__ void LoadTaken(const float* __restrict__ x, float* out) {
#pragma unroll
  for (int j = 0; j < kTaken; j += 4) {
    const float4 four = *reinterpret_cast<const float4*>(x + j);
    out[j] = four.x, out[j + 1] = four.y;
    out[j + 2] = four.z, out[j + 3] = four.w;
  }
}
__device__ void LoadTaken(const Bf16* __restrict__ x, float* out) {
#pragma unroll
  for (int j = 0; j < kTaken; j += 8) {
    const uint4 eight = *reinterpret_cast<const uint4*>(x + j);
    const uint32_t words[4] = {eight.x, eight.y, eight.z, eight.w};
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      out[j + 2 * k] = ToFloat(static_cast<Bf16>(words[k] & 0xFFFF));
      out[j + 2 * k + 1] = ToFloat(static_cast<Bf16>(words[k] >> 16));
    }
  }
}

__device__ void StoreTaken(const float* x, float* __restrict__ to) {
#pragma unroll
  for (int j = 0; j < kTaken; j += 4) {
    *reinterpret_cast<float4*>(to + j) =
        make_float4(x[j], x[j + 1], x[j + 2], x[j + 3]);
  }
}
__device__ void StoreTaken(const float* x, Bf16* __restrict__ to) {
#pragma unroll
  for (int j = 0; j < kTaken; j += 8) {
    uint32_t words[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      Bf16 low, high;
      Store(x[j + 2 * k], &low);
      Store(x[j + 2 * k + 1], &high);
      words[k] = static_cast<uint32_t>(high) << 16 | low;
    }
    *reinterpret_cast<uint4*>(to + j) =
        make_uint4(words[0], words[1], words[2], words[3]);
  }
}

template <class T>
__global__ void Nf4DequantizeKernel(const uint8_t* __restrict__ codes,
                                    const float* __restrict__ absmax, int64_t n,
                                    T* __restrict__ out) {
  __shared__ float code[kNf4Codes];
  if (threadIdx.x < kNf4Codes) code[threadIdx.x] = kCode16[threadIdx.x];
  __syncthreads();
  const int64_t i =
      kTaken * (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const float m = absmax[i / kNf4BlockSize];
  if (i + kTaken <= n) {
    float w[kTaken];
    DecodeTaken(codes + i / 2, code, w);
#pragma unroll
    for (float& each : w) each = MulRounded(each, m);
    StoreTaken(w, out + i);
    return;
  }
  for (int64_t j = i; j < n; ++j) {
    const int byte = codes[j / 2];
    Store(MulRounded(code[j % 2 == 0 ? byte >> 4 : byte & 15], m), out + j);
  }
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

// `inputs` are whole blocks.
template <class T>
__global__ void Nf4RowProductKernel(const T* __restrict__ x,
                                    const uint8_t* __restrict__ codes,
                                    Nf4Scales scales, int64_t inputs,
                                    int64_t outputs, T* __restrict__ y) {
  static_assert(kThreads == kDynamicCodes, "one thread an entry");
  __shared__ float code[kNf4Codes];
  __shared__ float code256[kDynamicCodes];
  if (threadIdx.x < kNf4Codes) code[threadIdx.x] = kCode16[threadIdx.x];
  code256[threadIdx.x] = kCode256[threadIdx.x];
  __syncthreads();
  const int64_t output =
      (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) / kWarp;
  if (output >= outputs) return;  // the whole warp leaves
  const int lane = threadIdx.x % kWarp;
  float sum = 0;
#pragma unroll 4
  for (int64_t i = kTaken * lane; i < inputs; i += kTaken * kWarp) {
    const int64_t at = output * inputs + i;
    const float m = Nf4AbsmaxOf(scales, at / kNf4BlockSize, code256);
    float w[kTaken], from[kTaken];
    DecodeTaken(codes + at / 2, code, w);
    LoadTaken(x + i, from);
#pragma unroll
    for (int j = 0; j < kTaken; ++j) sum += from[j] * RoundedTo<T>(w[j] * m);
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
  Nf4DequantizeKernel<<<Grid((n + kTaken - 1) / kTaken), kThreads, 0, stream>>>(
      codes, absmax, n, out);
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

}  // namespace sft::kernels
