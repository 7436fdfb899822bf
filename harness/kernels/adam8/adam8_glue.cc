#include "harness/kernels/adam8/adam8_glue.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include "harness/kernels/adam8/adam8_cuda.h"
#include "harness/kernels/device/device.h"
#include "harness/kernels/nf4/nf4.h"
#include "harness/kernels/shared/raw_tensor.h"

namespace sft::kernels {

Adam8Tensors ZeroAdam8Tensors(const at::Tensor& weight) {
  const int64_t n = weight.numel();
  const at::TensorOptions codes = weight.options().dtype(at::kByte),
                          absmax = weight.options().dtype(at::kFloat);
  return {at::zeros({n}, codes), at::zeros({n}, codes),
          at::zeros({Adam8Blocks(n)}, absmax),
          at::zeros({Adam8Blocks(n)}, absmax)};
}

void StepAdam8(const at::Tensor& weight, const at::Tensor& grad,
               const Adam8Step& step, const Adam8Tensors& moments) {
  const int64_t n = weight.numel();
  TORCH_CHECK(
      grad.sizes() == weight.sizes() && grad.device() == weight.device(),
      "8-bit AdamW: a gradient must have its weight's shape and device");
  TORCH_CHECK(moments.exp_avg_P.numel() == n &&
                  moments.exp_avg_sq_P.numel() == n &&
                  moments.exp_avg_absmax_Q.numel() == Adam8Blocks(n) &&
                  moments.exp_avg_sq_absmax_Q.numel() == Adam8Blocks(n),
              "8-bit AdamW: moments of another weight");
  // Copies only where a layout is not dense.
  const at::Tensor w = weight.contiguous(), g = grad.contiguous();
  const Adam8Moments raw{RawMutable<uint8_t>(moments.exp_avg_P),
                         RawMutable<uint8_t>(moments.exp_avg_sq_P),
                         RawMutable<float>(moments.exp_avg_absmax_Q),
                         RawMutable<float>(moments.exp_avg_sq_absmax_Q)};
  OnDeviceOf(
      w,
      [&] { Adam8StepCpu(Raw<float>(g), n, step, RawMutable<float>(w), raw); },
      [&](auto stream) {
        return LaunchAdam8Step(Raw<float>(g), n, step, RawMutable<float>(w),
                               raw.exp_avg, raw.exp_avg_sq, raw.exp_avg_absmax,
                               raw.exp_avg_sq_absmax, stream);
      });
  if (w.is_same(weight)) {
    // As an operator's write would: autograd then sees a use of the old value.
    weight.unsafeGetTensorImpl()->bump_version();
  } else {
    weight.copy_(w);
  }
}

at::Tensor DecodedExpAvg(const Adam8Tensors& moments,
                         const at::Tensor& weight) {
  const at::Tensor codes_K =
      at::tensor(at::ArrayRef<float>(kDynamicCode, kDynamicCodes),
                 weight.options().dtype(at::kFloat).requires_grad(false));
  const at::Tensor absmax_P =
      moments.exp_avg_absmax_Q.repeat_interleave(kAdam8BlockSize)
          .narrow(0, 0, weight.numel());
  return codes_K.index({moments.exp_avg_P.to(at::kLong)})
      .mul_(absmax_P)
      .view(weight.sizes());
}

}  // namespace sft::kernels
