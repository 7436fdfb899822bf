// Reductions over a warp and over a thread block, in an order fixed by the
// thread's number: no atomics, so a result is the same bits every time. Every
// thread gets the result. Blocks are one-dimensional, of whole warps.
#ifndef HARNESS_KERNELS_DEVICE_REDUCE_CUH_
#define HARNESS_KERNELS_DEVICE_REDUCE_CUH_

#include <cuda_runtime.h>

namespace sft::kernels {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

struct Sum {
  template <class V>
  __device__ V operator()(V a, V b) const {
    return a + b;
  }
};
struct Max {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

template <class Op, class V>
__device__ V WarpReduce(V v) {
  for (int lane = kWarp / 2; lane > 0; lane /= 2) {
    v = Op()(v, __shfl_xor_sync(kAllLanes, v, lane));
  }
  return v;
}

template <class Op, int kThreads, class V>
__device__ V BlockReduce(V v) {
  static_assert(kThreads % kWarp == 0, "a block is whole warps");
  __shared__ V of_warp[kThreads / kWarp];
  v = WarpReduce<Op>(v);
  if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = v;
  __syncthreads();
  V all = of_warp[0];
  for (int w = 1; w < kThreads / kWarp; ++w) all = Op()(all, of_warp[w]);
  __syncthreads();  // the next call writes of_warp again
  return all;
}

// What cudaGetLastError() says, "" if all went well.
inline const char* LastError() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? "" : cudaGetErrorString(error);
}

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_DEVICE_REDUCE_CUH_
