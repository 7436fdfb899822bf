#include "methods/kernels/nf4_glue.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>
#include <c10/util/Exception.h>

#include "methods/kernels/nf4.h"
#ifdef SFT_WITH_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "methods/kernels/launch.h"
#endif

namespace sft {
namespace {

// Blocks of 64 weights that one task of a parallel loop dequantizes.
constexpr int64_t kBlocksPerTask = 1024;

#ifdef SFT_WITH_CUDA
void CheckLaunch(const char* error) {
  TORCH_CHECK(error[0] == '\0', "NF4 kernel: ", error);
}
cudaStream_t StreamOf(const at::Tensor& t) {
  return c10::cuda::getCurrentCUDAStream(t.device().index()).stream();
}
#endif

[[noreturn]] void NoKernel(const at::Tensor& t) {
  TORCH_CHECK(false, "NF4 has no kernel for device ", t.device(),
              " in this build");
}

void Nf4Quantize(const at::Tensor& x, at::Tensor& codes, at::Tensor& absmax) {
  if (x.is_cpu()) {
    Nf4QuantizeCpu(x.const_data_ptr<float>(), x.numel(),
                   codes.mutable_data_ptr<uint8_t>(),
                   absmax.mutable_data_ptr<float>());
    return;
  }
#ifdef SFT_WITH_CUDA
  if (x.is_cuda()) {
    const c10::cuda::CUDAGuard guard(x.device());
    CheckLaunch(LaunchNf4Quantize(
        x.const_data_ptr<float>(), x.numel(), codes.mutable_data_ptr<uint8_t>(),
        absmax.mutable_data_ptr<float>(), StreamOf(x)));
    return;
  }
#endif
  NoKernel(x);
}

void DynamicQuantize(const at::Tensor& x, at::Tensor& codes,
                     at::Tensor& absmax) {
  if (x.is_cpu()) {
    DynamicQuantizeCpu(x.const_data_ptr<float>(), x.numel(),
                       codes.mutable_data_ptr<uint8_t>(),
                       absmax.mutable_data_ptr<float>());
    return;
  }
#ifdef SFT_WITH_CUDA
  if (x.is_cuda()) {
    const c10::cuda::CUDAGuard guard(x.device());
    CheckLaunch(LaunchDynamicQuantize(
        x.const_data_ptr<float>(), x.numel(), codes.mutable_data_ptr<uint8_t>(),
        absmax.mutable_data_ptr<float>(), StreamOf(x)));
    return;
  }
#endif
  NoKernel(x);
}

template <class T>
void DequantizeOnCpu(const at::Tensor& codes, const at::Tensor& absmax,
                     int64_t n, T* out) {
  const uint8_t* c = codes.const_data_ptr<uint8_t>();
  const float* m = absmax.const_data_ptr<float>();
  at::parallel_for(0, Nf4Blocks(n), kBlocksPerTask,
                   [&](int64_t first, int64_t last) {
                     Nf4DequantizeCpu(c, m, n, first, last, out);
                   });
}

void Nf4Dequantize(const at::Tensor& codes, const at::Tensor& absmax,
                   at::Tensor& out) {
  const bool bf16 = out.scalar_type() == at::kBFloat16;
  if (codes.is_cpu()) {
    if (bf16) {
      DequantizeOnCpu(codes, absmax, out.numel(),
                      static_cast<uint16_t*>(out.mutable_data_ptr()));
    } else {
      DequantizeOnCpu(codes, absmax, out.numel(),
                      out.mutable_data_ptr<float>());
    }
    return;
  }
#ifdef SFT_WITH_CUDA
  if (codes.is_cuda()) {
    const c10::cuda::CUDAGuard guard(codes.device());
    const uint8_t* c = codes.const_data_ptr<uint8_t>();
    const float* m = absmax.const_data_ptr<float>();
    CheckLaunch(bf16 ? LaunchNf4DequantizeBf16(
                           c, m, out.numel(),
                           static_cast<uint16_t*>(out.mutable_data_ptr()),
                           StreamOf(codes))
                     : LaunchNf4Dequantize(c, m, out.numel(),
                                           out.mutable_data_ptr<float>(),
                                           StreamOf(codes)));
    return;
  }
#endif
  NoKernel(codes);
}

}  // namespace

int64_t Nf4Tensor::numel() const {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return n;
}
int64_t Nf4Tensor::code_bytes() const {
  return static_cast<int64_t>(codes.nbytes());
}
int64_t Nf4Tensor::constant_bytes() const {
  int64_t bytes = 0;
  for (const at::Tensor& t : {absmax, absmax_codes, absmax2, offset}) {
    if (t.defined()) bytes += static_cast<int64_t>(t.nbytes());
  }
  return bytes;
}
double Nf4Tensor::bits_per_weight() const {
  return 8.0 * static_cast<double>(code_bytes() + constant_bytes()) /
         static_cast<double>(numel());
}

Nf4Tensor QuantizeNf4(const at::Tensor& w, bool double_quantization) {
  const at::Tensor x = w.detach().to(at::kFloat).contiguous();
  const int64_t n = x.numel();
  TORCH_CHECK(n > 0, "NF4 of an empty tensor");
  const auto u8 = x.options().dtype(at::kByte);
  Nf4Tensor q;
  q.shape = w.sizes().vec();
  q.codes = at::empty({Nf4Bytes(n)}, u8);
  at::Tensor absmax = at::empty({Nf4Blocks(n)}, x.options());
  Nf4Quantize(x, q.codes, absmax);
  if (!double_quantization) {
    q.absmax = absmax;
    return q;
  }
  q.offset = at::mean(absmax);
  const at::Tensor centred = absmax.sub(q.offset);
  q.absmax_codes = at::empty({absmax.numel()}, u8);
  q.absmax2 = at::empty({AbsmaxBlocks(absmax.numel())}, x.options());
  DynamicQuantize(centred, q.absmax_codes, q.absmax2);
  return q;
}

at::Tensor Nf4Absmax(const Nf4Tensor& q) {
  if (!q.double_quantized()) return q.absmax;
  at::Tensor out = at::empty(q.absmax_codes.sizes(), q.absmax2.options());
  const int64_t n = out.numel();
  if (out.is_cpu()) {
    DynamicDequantizeCpu(q.absmax_codes.const_data_ptr<uint8_t>(),
                         q.absmax2.const_data_ptr<float>(), n,
                         *q.offset.const_data_ptr<float>(),
                         out.mutable_data_ptr<float>());
    return out;
  }
#ifdef SFT_WITH_CUDA
  if (out.is_cuda()) {
    const c10::cuda::CUDAGuard guard(out.device());
    CheckLaunch(LaunchDynamicDequantize(
        q.absmax_codes.const_data_ptr<uint8_t>(),
        q.absmax2.const_data_ptr<float>(), n, q.offset.const_data_ptr<float>(),
        out.mutable_data_ptr<float>(), StreamOf(out)));
    return out;
  }
#endif
  NoKernel(out);
}

at::Tensor DequantizeNf4(const Nf4Tensor& q, at::ScalarType dtype) {
  const at::Tensor absmax = Nf4Absmax(q);
  const bool bf16 = dtype == at::kBFloat16;
  at::Tensor out = at::empty(
      q.shape, absmax.options().dtype(bf16 ? at::kBFloat16 : at::kFloat));
  Nf4Dequantize(q.codes, absmax, out);
  return out.to(dtype);
}

}  // namespace sft
