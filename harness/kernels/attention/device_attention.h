// Attention of a device's sequences by LibTorch's variable-length kernels:
// flash attention for bf16 (arXiv 2307.08691), memory-efficient attention for
// f32 (arXiv 2112.05682). Nothing is read back from the device. Gradients are
// summed in a fixed order, whatever LibTorch's global setting.
#ifndef HARNESS_KERNELS_ATTENTION_DEVICE_ATTENTION_H_
#define HARNESS_KERNELS_ATTENTION_DEVICE_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace sft::kernels {

struct DeviceAttentionShape {
  at::Tensor cu_seqlens;  // int32 [P+1] on the device; undefined = row by row
  int64_t longest = 0;    // no sequence has more tokens
  double scale = 1;
  bool causal = true;
  int64_t window = 0;  // bf16: tokens seen, the own one counted; 0 = all
};

// Whether the kernels serve heads of this type and width on this device.
bool HasDeviceAttention(at::Device device, at::ScalarType dtype,
                        int64_t head_width, bool windowed);

// q [B, N, T, H], k and v [B, N_kv, T, H], N_kv a divisor of N ->
// [B, N, T, H]; with cu_seqlens B is 1.
at::Tensor DeviceAttention(const at::Tensor& q_BNTH, const at::Tensor& k_BKTH,
                           const at::Tensor& v_BKTH,
                           const DeviceAttentionShape& shape);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_ATTENTION_DEVICE_ATTENTION_H_
