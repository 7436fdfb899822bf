// Tensors in unified memory (cudaMallocManaged), for moments that may leave the
// device. A build without CUDA, or a device that cannot move pages while its
// kernels run, has none.
#ifndef HARNESS_KERNELS_ADAM8_ADAM_PAGED_H_
#define HARNESS_KERNELS_ADAM8_ADAM_PAGED_H_

#include <ATen/core/Tensor.h>

namespace sft::kernels {

bool CanPage(at::Device device);
// Zeros of the shape and type of `like`, dense, on its device, which CanPage.
// Not counted by LibTorch's allocator of the device. Throws c10::Error where
// neither device nor host has the memory.
at::Tensor PagedZerosLike(const at::Tensor& like);
// Begins to move a tensor of PagedZerosLike to its device, on a stream of its
// own: nothing needs to wait, for a kernel that comes first reads over the bus.
void PrefetchPaged(const at::Tensor& paged);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ADAM8_ADAM_PAGED_H_
