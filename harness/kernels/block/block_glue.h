// The operations of block_ops.h on tensors: takes the CPU or the CUDA kernels
// by the tensors' device. No autograd. Tensors are dense, all on one device;
// formulas in block_ops.h.
// M rows, D width, N heads, H head width, V vocabulary.
#ifndef HARNESS_KERNELS_BLOCK_BLOCK_GLUE_H_
#define HARNESS_KERNELS_BLOCK_BLOCK_GLUE_H_

#include <ATen/core/Tensor.h>

namespace sft::kernels {

// True of f32 and bf16 on the CPU and, in a build with CUDA, on its devices;
// whatever else goes by LibTorch's operators.
bool HasBlockKernels(const at::Tensor& x);

struct NormedRows {
  at::Tensor y;       // as x, in `out`
  at::Tensor rstd_M;  // f32
};
// x f32 [..., D], w_D f32; `out` f32 or bf16.
NormedRows RmsNormRows(const at::Tensor& x, const at::Tensor& w_D,
                       double epsilon, at::ScalarType out);
struct NormGradients {
  at::Tensor x;    // f32
  at::Tensor w_D;  // f32, undefined where not asked for
};
// grad [..., D] in the dtype of y.
NormGradients RmsNormRowsBackward(const at::Tensor& grad, const at::Tensor& x,
                                  const at::Tensor& w_D,
                                  const at::Tensor& rstd_M, bool of_w);

at::Tensor SwiGluElements(const at::Tensor& gate, const at::Tensor& up);
struct SwiGluGradients {
  at::Tensor gate, up;
};
SwiGluGradients SwiGluElementsBackward(const at::Tensor& grad,
                                       const at::Tensor& gate,
                                       const at::Tensor& up);

// x [..., N, H]; cos and sin f32, a row of H for each of x's rows of N * H.
at::Tensor RotatedRows(const at::Tensor& x, const at::Tensor& cos,
                       const at::Tensor& sin, bool inverse);

// The sum of losses in nats, f64 [] on the logits' device, which is not waited
// for. label_M int64, negative = counts for nothing. The logits become the
// sum's gradient where one is wanted.
at::Tensor CrossEntropyOfRows(const at::Tensor& logits_MV,
                              const at::Tensor& label_M, bool gradient);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_BLOCK_BLOCK_GLUE_H_
