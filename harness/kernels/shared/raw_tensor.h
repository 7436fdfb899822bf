// From tensors to the element types of the kernels: float, or bf16 as its
// bits.
#ifndef HARNESS_KERNELS_SHARED_RAW_TENSOR_H_
#define HARNESS_KERNELS_SHARED_RAW_TENSOR_H_

#include <ATen/core/Tensor.h>

#include "harness/kernels/shared/elements.h"

namespace sft::kernels {

// The element types that kernels take; f64 goes by LibTorch's operators.
inline bool HasKernelElements(const at::Tensor& x) {
  return x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
}
inline bool HasCpuKernels(const at::Tensor& x) {
  return x.is_cpu() && HasKernelElements(x);
}

// Calls f with a float or a Bf16, by the tensor's type.
template <class F>
void WithElements(const at::Tensor& x, const F& f) {
  TORCH_CHECK(HasKernelElements(x), "no kernel for ", x.scalar_type());
  if (x.scalar_type() == at::kFloat) {
    f(float{});
  } else {
    f(Bf16{});
  }
}

// The elements of a dense tensor of this type.
template <class T>
const T* Raw(const at::Tensor& x) {
  TORCH_CHECK(x.is_contiguous() && x.element_size() == sizeof(T),
              "a kernel wants a dense tensor of its own type");
  return static_cast<const T*>(x.const_data_ptr());
}
template <class T>
T* RawMutable(const at::Tensor& x) {
  return const_cast<T*>(Raw<T>(x));
}

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_SHARED_RAW_TENSOR_H_
