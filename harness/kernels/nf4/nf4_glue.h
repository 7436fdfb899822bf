// NF4 on tensors: takes the CPU or the CUDA kernels by the tensor's device.
#ifndef HARNESS_KERNELS_NF4_NF4_GLUE_H_
#define HARNESS_KERNELS_NF4_NF4_GLUE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace sft::kernels {

// A dense tensor of n elements in NF4. With double quantization `absmax` is
// undefined and absmax_codes, absmax2, offset stand for it.
struct Nf4Tensor {
  std::vector<int64_t> shape;
  at::Tensor codes;         // u8 [ceil(n / 2)]
  at::Tensor absmax;        // f32 [ceil(n / 64)]
  at::Tensor absmax_codes;  // u8 [ceil(n / 64)]
  at::Tensor absmax2;       // f32 [ceil(n / 64 / 256)]
  at::Tensor offset;        // f32 [], mean of the absmax

  bool double_quantized() const { return absmax_codes.defined(); }
  int64_t numel() const;
  int64_t code_bytes() const;
  int64_t constant_bytes() const;
  double bits_per_weight() const;
};

// Quantizes the values of `w` as f32. The mean of the absmax is torch.mean's.
// Of a meta tensor, which has no values, the sizes.
Nf4Tensor QuantizeNf4(const at::Tensor& w, bool double_quantization);
// f32 [ceil(n / 64)], restored if double quantized.
at::Tensor Nf4Absmax(const Nf4Tensor& q);
// The dense tensor in kFloat, kBFloat16 or kDouble (of the f32 values).
at::Tensor DequantizeNf4(const Nf4Tensor& q, at::ScalarType dtype);

// True where x [..., I] is one row that the kernels can multiply with the NF4
// weight [O, I] as it is.
bool HasNf4RowProduct(const at::Tensor& x, const Nf4Tensor& w);
// x times w transposed [..., O], without the dense w; no autograd.
at::Tensor Nf4RowProduct(const at::Tensor& x, const Nf4Tensor& w);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_NF4_NF4_GLUE_H_
