#include "harness/kernels/adam8/adam_paged.h"

#include <c10/util/Exception.h>

#ifdef SFT_WITH_CUDA
#include <ATen/ops/from_blob.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <map>
#endif

namespace sft::kernels {

#ifdef SFT_WITH_CUDA

namespace {

void Check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // not to be found by a later kernel
  TORCH_CHECK(false, what, ": ", cudaGetErrorString(error));
}

cudaMemLocation LocationOf(at::Device device) {
  cudaMemLocation location = {};
  location.type = cudaMemLocationTypeDevice;
  location.id = device.index();
  return location;
}

}  // namespace

bool CanPage(at::Device device) {
  if (!device.is_cuda()) return false;
  int concurrent = 0;
  return cudaDeviceGetAttribute(&concurrent, cudaDevAttrConcurrentManagedAccess,
                                std::max<int>(device.index(), 0)) ==
             cudaSuccess &&
         concurrent != 0;
}

at::Tensor PagedZerosLike(const at::Tensor& like) {
  TORCH_CHECK(CanPage(like.device()), "no unified memory on ", like.device());
  const c10::cuda::CUDAGuard guard(like.device());
  const size_t bytes = std::max<size_t>(like.nbytes(), 1);
  void* data = nullptr;
  Check(cudaMallocManaged(&data, bytes), "cudaMallocManaged");
  // Owned from here on, whatever fails below.
  const at::Tensor paged = at::for_blob(data, like.sizes())
                               .options(like.options())
                               .target_device(like.device())
                               .deleter([](void* p) { cudaFree(p); })
                               .make_tensor();
  // Mapped wherever it is: a step may read it from the host, without a fault.
  Check(cudaMemAdvise(data, bytes, cudaMemAdviseSetAccessedBy,
                      LocationOf(like.device())),
        "cudaMemAdvise");
  Check(cudaMemsetAsync(
            data, 0, bytes,
            c10::cuda::getCurrentCUDAStream(like.device().index()).stream()),
        "cudaMemsetAsync");
  return paged;
}

void PrefetchPaged(const at::Tensor& paged) {
  const c10::cuda::CUDAGuard guard(paged.device());
  // One stream of the pool a device for all prefetches.
  static thread_local std::map<at::DeviceIndex, c10::cuda::CUDAStream> streams;
  const auto at = streams.find(paged.device().index());
  const c10::cuda::CUDAStream stream =
      at != streams.end() ? at->second
                          : streams
                                .emplace(paged.device().index(),
                                         c10::cuda::getStreamFromPool(
                                             false, paged.device().index()))
                                .first->second;
  Check(cudaMemPrefetchAsync(paged.const_data_ptr(), paged.nbytes(),
                             LocationOf(paged.device()), 0, stream.stream()),
        "cudaMemPrefetchAsync");
}

#else

bool CanPage(at::Device) { return false; }

at::Tensor PagedZerosLike(const at::Tensor& like) {
  TORCH_CHECK(false, "no unified memory on ", like.device(), " in this build");
}

void PrefetchPaged(const at::Tensor& paged) {
  TORCH_CHECK(false, "no unified memory on ", paged.device(), " in this build");
}

#endif

}  // namespace sft::kernels
