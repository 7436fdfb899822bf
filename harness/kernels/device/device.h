// Runs the kernels of the device on which a tensor lies: the one place where
// the ATen glue of the kernels asks whether the build has CUDA.
#ifndef HARNESS_KERNELS_DEVICE_DEVICE_H_
#define HARNESS_KERNELS_DEVICE_DEVICE_H_

#include <ATen/core/Tensor.h>

#ifdef SFT_WITH_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace sft::kernels {

inline bool HasKernelDevice(const at::Tensor& x) {
#ifdef SFT_WITH_CUDA
  if (x.is_cuda()) return true;
#endif
  return x.is_cpu();
}

// Calls cpu(), or cuda(stream) with the current stream of the tensor's card;
// that one is a generic lambda, which a build without CUDA never compiles, and
// returns what a launcher of a *_cuda.h does.
template <class Cpu, class Cuda>
void OnDeviceOf(const at::Tensor& x, const Cpu& cpu,
                [[maybe_unused]] const Cuda& cuda) {
  if (x.is_cpu()) return cpu();
#ifdef SFT_WITH_CUDA
  if (x.is_cuda()) {
    const c10::cuda::CUDAGuard guard(x.device());
    const char* error =
        cuda(c10::cuda::getCurrentCUDAStream(x.device().index()).stream());
    TORCH_CHECK(error[0] == '\0', "CUDA kernel: ", error);
    return;
  }
#endif
  TORCH_CHECK(false, "no kernel for device ", x.device(), " in this build");
}

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_DEVICE_DEVICE_H_
