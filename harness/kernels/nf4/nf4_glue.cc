#include "harness/kernels/nf4/nf4_glue.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>
#include <c10/util/Exception.h>

#include "harness/kernels/device/device.h"
#include "harness/kernels/nf4/nf4.h"
#include "harness/kernels/nf4/nf4_cuda.h"
#include "harness/kernels/nf4/nf4_row.h"
#include "harness/kernels/shared/raw_tensor.h"

namespace sft::kernels {
namespace {

// Blocks of 64 weights that one task of a parallel loop dequantizes.
constexpr int64_t kBlocksPerTask = 1024;

void Nf4Quantize(const at::Tensor& x, at::Tensor& codes, at::Tensor& absmax) {
  const float* from = Raw<float>(x);
  uint8_t* c = RawMutable<uint8_t>(codes);
  float* m = RawMutable<float>(absmax);
  const int64_t n = x.numel();
  OnDeviceOf(
      x, [&] { Nf4QuantizeCpu(from, n, c, m); },
      [&](auto stream) { return LaunchNf4Quantize(from, n, c, m, stream); });
}

void DynamicQuantize(const at::Tensor& x, at::Tensor& codes,
                     at::Tensor& absmax) {
  const float* from = Raw<float>(x);
  uint8_t* c = RawMutable<uint8_t>(codes);
  float* m = RawMutable<float>(absmax);
  const int64_t n = x.numel();
  OnDeviceOf(
      x, [&] { DynamicQuantizeCpu(from, n, c, m); },
      [&](auto stream) {
        return LaunchDynamicQuantize(from, n, c, m, stream);
      });
}

// CUDA kernels read and write whole words.
bool IsAligned(const at::Tensor& x) {
  return reinterpret_cast<uintptr_t>(x.const_data_ptr()) % 16 == 0;
}
at::Tensor Aligned(const at::Tensor& x) { return IsAligned(x) ? x : x.clone(); }

// `out` is a whole allocation.
void Nf4Dequantize(const at::Tensor& codes_in, const at::Tensor& absmax,
                   at::Tensor& out) {
  const at::Tensor codes = Aligned(codes_in);
  const uint8_t* c = Raw<uint8_t>(codes);
  const float* m = Raw<float>(absmax);
  const int64_t n = out.numel();
  WithElements(out, [&](auto element) {
    auto* to = RawMutable<decltype(element)>(out);
    OnDeviceOf(
        codes,
        [&] {
          at::parallel_for(0, Nf4Blocks(n), kBlocksPerTask,
                           [&](int64_t first, int64_t last) {
                             Nf4DequantizeCpu(c, m, n, first, last, to);
                           });
        },
        [&](auto stream) { return LaunchNf4Dequantize(c, m, n, to, stream); });
  });
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
  if (!x.is_meta()) Nf4Quantize(x, q.codes, absmax);
  if (!double_quantization) {
    q.absmax = absmax;
    return q;
  }
  q.absmax_codes = at::empty({absmax.numel()}, u8);
  q.absmax2 = at::empty({AbsmaxBlocks(absmax.numel())}, x.options());
  if (x.is_meta()) {
    q.offset = at::empty({}, x.options());
    return q;
  }
  q.offset = at::mean(absmax);
  const at::Tensor centred = absmax.sub(q.offset);
  DynamicQuantize(centred, q.absmax_codes, q.absmax2);
  return q;
}

at::Tensor Nf4Absmax(const Nf4Tensor& q) {
  if (!q.double_quantized()) return q.absmax;
  at::Tensor out = at::empty(q.absmax_codes.sizes(), q.absmax2.options());
  const int64_t n = out.numel();
  const uint8_t* codes = Raw<uint8_t>(q.absmax_codes);
  const float *absmax2 = Raw<float>(q.absmax2), *offset = Raw<float>(q.offset);
  float* to = RawMutable<float>(out);
  OnDeviceOf(
      out, [&] { DynamicDequantizeCpu(codes, absmax2, n, *offset, to); },
      [&](auto stream) {
        return LaunchDynamicDequantize(codes, absmax2, n, offset, to, stream);
      });
  return out;
}

at::Tensor DequantizeNf4(const Nf4Tensor& q, at::ScalarType dtype) {
  const at::Tensor absmax = Nf4Absmax(q);
  const bool bf16 = dtype == at::kBFloat16;
  at::Tensor out = at::empty(
      q.shape, absmax.options().dtype(bf16 ? at::kBFloat16 : at::kFloat));
  Nf4Dequantize(q.codes, absmax, out);
  return out.to(dtype);
}

bool HasNf4RowProduct(const at::Tensor& x, const Nf4Tensor& w) {
  return HasKernelElements(x) && HasKernelDevice(x) && w.shape.size() == 2 &&
         x.dim() > 0 && x.numel() == w.shape[1] && x.size(-1) == w.shape[1] &&
         w.shape[1] % kNf4BlockSize == 0 && IsAligned(w.codes);
}

at::Tensor Nf4RowProduct(const at::Tensor& x_in, const Nf4Tensor& w) {
  TORCH_CHECK(HasNf4RowProduct(x_in, w), "no product of a row ", x_in.sizes(),
              " with an NF4 weight ", w.shape);
  const at::Tensor x = Aligned(x_in.contiguous());
  const int64_t outputs = w.shape[0], inputs = w.shape[1];
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = outputs;
  const at::Tensor made = at::empty(shape, x.options());
  Nf4Scales scales;
  if (w.double_quantized()) {
    scales.absmax_codes = Raw<uint8_t>(w.absmax_codes);
    scales.absmax2 = Raw<float>(w.absmax2);
    scales.offset = Raw<float>(w.offset);
  } else {
    scales.absmax = Raw<float>(w.absmax);
  }
  const uint8_t* codes = Raw<uint8_t>(w.codes);
  WithElements(x, [&](auto element) {
    using T = decltype(element);
    const T* from = Raw<T>(x);
    T* y = RawMutable<T>(made);
    OnDeviceOf(
        x, [&] { Nf4RowProduct<T>(from, codes, scales, inputs, outputs, y); },
        [&](auto stream) {
          return LaunchNf4RowProduct<T>(from, codes, scales, inputs, outputs, y,
                                        stream);
        });
  });
  return made;
}

}  // namespace sft::kernels
