#include "harness/kernels/block/block_glue.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>

#include "harness/kernels/block/block_logic.h"
#include "harness/kernels/block/block_ops.h"
#include "harness/kernels/block/block_ops_cuda.h"
#include "harness/kernels/device/device.h"
#include "harness/kernels/shared/raw_tensor.h"

namespace sft::kernels {

bool HasBlockKernels(const at::Tensor& x) {
  return HasKernelElements(x) && HasKernelDevice(x);
}

NormedRows RmsNormRows(const at::Tensor& x, const at::Tensor& w_D,
                       double epsilon, at::ScalarType out) {
  const int64_t width = x.size(-1), rows = x.numel() / width;
  const NormedRows normed = {at::empty(x.sizes(), x.options().dtype(out)),
                             at::empty({rows}, x.options())};
  const float eps = static_cast<float>(epsilon);
  WithElements(normed.y, [&](auto element) {
    using T = decltype(element);
    const float *from = Raw<float>(x), *w = Raw<float>(w_D);
    T* y = RawMutable<T>(normed.y);
    float* rstd = RawMutable<float>(normed.rstd_M);
    OnDeviceOf(
        x, [&] { RmsNormForward<T>(from, w, rows, width, eps, y, rstd); },
        [&](auto stream) {
          return LaunchRmsNormForward<T>(from, w, rows, width, eps, y, rstd,
                                         stream);
        });
  });
  return normed;
}

NormGradients RmsNormRowsBackward(const at::Tensor& grad, const at::Tensor& x,
                                  const at::Tensor& w_D,
                                  const at::Tensor& rstd_M, bool of_w) {
  const int64_t width = x.size(-1), rows = x.numel() / width;
  const NormGradients made = {at::empty_like(x),
                              of_w ? at::empty_like(w_D) : at::Tensor()};
  WithElements(grad, [&](auto element) {
    using T = decltype(element);
    const T* g = Raw<T>(grad);
    const float *from = Raw<float>(x), *w = Raw<float>(w_D);
    const float* rstd = Raw<float>(rstd_M);
    float* grad_x = RawMutable<float>(made.x);
    float* grad_w = of_w ? RawMutable<float>(made.w_D) : nullptr;
    OnDeviceOf(
        x,
        [&] {
          RmsNormBackward<T>(g, from, w, rstd, rows, width, grad_x, grad_w);
        },
        [&](auto stream) {
          const int64_t parts =
              of_w ? (rows + kRowPart - 1) / kRowPart : int64_t{0};
          const at::Tensor sums = at::empty({parts, width}, x.options());
          return LaunchRmsNormBackward<T>(g, from, w, rstd, rows, width, grad_x,
                                          grad_w, RawMutable<float>(sums),
                                          stream);
        });
  });
  return made;
}

at::Tensor SwiGluElements(const at::Tensor& gate, const at::Tensor& up) {
  const at::Tensor made = at::empty_like(gate);
  const int64_t n = gate.numel();
  WithElements(gate, [&](auto element) {
    using T = decltype(element);
    const T *g = Raw<T>(gate), *u = Raw<T>(up);
    T* y = RawMutable<T>(made);
    OnDeviceOf(
        gate, [&] { SwiGluForward<T>(g, u, n, y); },
        [&](auto stream) {
          return LaunchSwiGluForward<T>(g, u, n, y, stream);
        });
  });
  return made;
}

SwiGluGradients SwiGluElementsBackward(const at::Tensor& grad,
                                       const at::Tensor& gate,
                                       const at::Tensor& up) {
  const SwiGluGradients made = {at::empty_like(gate), at::empty_like(up)};
  const int64_t n = gate.numel();
  WithElements(gate, [&](auto element) {
    using T = decltype(element);
    const T *d = Raw<T>(grad), *g = Raw<T>(gate), *u = Raw<T>(up);
    T *of_gate = RawMutable<T>(made.gate), *of_up = RawMutable<T>(made.up);
    OnDeviceOf(
        gate, [&] { SwiGluBackward<T>(d, g, u, n, of_gate, of_up); },
        [&](auto stream) {
          return LaunchSwiGluBackward<T>(d, g, u, n, of_gate, of_up, stream);
        });
  });
  return made;
}

at::Tensor RotatedRows(const at::Tensor& x, const at::Tensor& cos,
                       const at::Tensor& sin, bool inverse) {
  const int64_t heads = x.size(-2), width = x.size(-1);
  const int64_t rows = x.numel() / (heads * width);
  TORCH_CHECK(width % 2 == 0 && cos.numel() == rows * width &&
                  sin.numel() == rows * width,
              "rotary table ", cos.sizes(), " for heads ", x.sizes());
  const at::Tensor made = at::empty_like(x);
  WithElements(x, [&](auto element) {
    using T = decltype(element);
    const T* from = Raw<T>(x);
    const float *c = Raw<float>(cos), *s = Raw<float>(sin);
    T* y = RawMutable<T>(made);
    OnDeviceOf(
        x, [&] { RotateRows<T>(from, c, s, rows, heads, width, inverse, y); },
        [&](auto stream) {
          return LaunchRotateRows<T>(from, c, s, rows, heads, width, inverse, y,
                                     stream);
        });
  });
  return made;
}

at::Tensor CrossEntropyOfRows(const at::Tensor& logits_MV,
                              const at::Tensor& label_M, bool gradient) {
  const int64_t rows = logits_MV.size(0), vocabulary = logits_MV.size(1);
  const at::TensorOptions wide = logits_MV.options().dtype(at::kDouble);
  at::Tensor sum;
  WithElements(logits_MV, [&](auto element) {
    using T = decltype(element);
    T* logits = RawMutable<T>(logits_MV);
    const int64_t* labels = Raw<int64_t>(label_M);
    OnDeviceOf(
        logits_MV,
        [&] {
          sum = at::full(
              {},
              CrossEntropyRows<T>(logits, labels, rows, vocabulary, gradient),
              wide);
        },
        [&](auto stream) {
          const at::Tensor losses = at::empty({rows}, wide);
          const char* error = LaunchCrossEntropyRows<T>(
              logits, labels, rows, vocabulary, gradient,
              RawMutable<double>(losses), stream);
          sum = losses.sum();
          return error;
        });
  });
  return sum;
}

}  // namespace sft::kernels
