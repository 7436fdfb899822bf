// All that is called of LibTorch's inside: what its headers show and its
// documentation does not promise. A new version of LibTorch is read against
// this unit alone. Read: 2.11.0.
#ifndef HARNESS_KERNELS_SHARED_TORCH_INTERNALS_H_
#define HARNESS_KERNELS_SHARED_TORCH_INTERNALS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace sft::kernels {

// --- oneDNN's linear map on the CPU ---
// LibTorch multiplies f32 by MKL and keeps oneDNN's product for its compiler:
// mkldnn::_linear_pointwise(x, w, bias, "none", [], "") and
// mkldnn::_reorder_linear_weight(w, rows), registered without a C++ function.
// They are found by name; both are absent where LibTorch was built without
// oneDNN. No gradient passes.
bool HasOneDnnProduct();
bool HasOneDnnLayout();
// x [..., I] times w [O, I] transposed, plus bias [O] where it is defined; all
// of one type. w as it lies, or what OneDnnLayout() made of it.
at::Tensor OneDnnProduct(const at::Tensor& x, const at::Tensor& w_OI,
                         const at::Tensor& bias_O);
// w in oneDNN's order for products of about so many rows: a tensor that no
// other operator reads.
at::Tensor OneDnnLayout(const at::Tensor& w_OI, int64_t rows);

// --- A function that rides on a tensor ---
// In the place of c10::BackendMeta, which LibTorch leaves empty on a CPU and on
// CUDA: it goes with the TensorImpl (all handles of one tensor, and neither
// views nor copies), and is freed with it.
using TensorRider = std::function<at::Tensor()>;
void SetRider(const at::Tensor& x, TensorRider rider);
// Null where nothing rides.
const TensorRider* RiderOf(const at::Tensor& x);

// --- Attention kernels of a device ---
// at::_flash_attention_* (bf16, head widths to 256 in steps of 8) and
// at::_efficient_attention_* (f32), which scaled_dot_product_attention calls,
// are the only ones that take cu_seqlens. Relied on: nothing is read back from
// the device, a sequence without tokens is allowed, and the backward pass sums
// in a fixed order under deterministicAlgorithms(), which it is told here
// whatever the global setting.
struct AttentionOperands {
  at::Tensor q, k, v;                    // as the kernel wants them, below
  std::optional<at::Tensor> cu_seqlens;  // int32 [P+1] on the device
  int64_t longest = 0;
  double scale = 1;
  bool causal = true;
  int64_t window = 0;  // flash attention: tokens seen, the own one; 0 = all
};
// What the backward pass wants: the log-sum-exps, the state of a dropout that
// is none.
struct AttentionResult {
  at::Tensor out, lse, seed, offset;
};
struct AttentionGradients {
  at::Tensor q, k, v;
};

// q [B, T, N, H], k and v [B, T, K, H] with K a divisor of N; [T, ...] with
// cu_seqlens.
AttentionResult FlashForward(const AttentionOperands& of);
AttentionGradients FlashBackward(const AttentionOperands& of,
                                 const AttentionResult& made,
                                 const at::Tensor& grad);

// q, k, v [B, T, N, H], B = 1 with cu_seqlens.
AttentionResult EfficientForward(const AttentionOperands& of);
AttentionGradients EfficientBackward(const AttentionOperands& of,
                                     const AttentionResult& made,
                                     const at::Tensor& grad);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_SHARED_TORCH_INTERNALS_H_
