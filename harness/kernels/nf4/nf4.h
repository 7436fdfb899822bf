// NF4 and double quantization on the CPU: the oracle of nf4_cuda.cu. Element
// 2k lies in the HIGH nibble of byte k, element 2k+1 in the low one. Pointers
// and sizes only; formula and rounding in nf4_logic.h.
#ifndef HARNESS_KERNELS_NF4_NF4_H_
#define HARNESS_KERNELS_NF4_NF4_H_

#include <cstdint>

#include "harness/kernels/nf4/nf4_logic.h"

namespace sft::kernels {

extern const float kNf4Code[kNf4Codes];
extern const float kDynamicCode[kDynamicCodes];

inline int64_t Nf4Bytes(int64_t n) { return (n + 1) / 2; }
inline int64_t Nf4Blocks(int64_t n) {
  return (n + kNf4BlockSize - 1) / kNf4BlockSize;
}
inline int64_t AbsmaxBlocks(int64_t n) {
  return (n + kAbsmaxBlockSize - 1) / kAbsmaxBlockSize;
}

// x [n] -> codes [Nf4Bytes(n)], absmax [Nf4Blocks(n)].
void Nf4QuantizeCpu(const float* x, int64_t n, uint8_t* codes, float* absmax);
// Blocks [first, last) of n elements: out [n], f32, or bf16 as raw bits.
void Nf4DequantizeCpu(const uint8_t* codes, const float* absmax, int64_t n,
                      int64_t first, int64_t last, float* out);
void Nf4DequantizeCpu(const uint8_t* codes, const float* absmax, int64_t n,
                      int64_t first, int64_t last, uint16_t* out_bf16);

// x [n] -> codes [n], absmax [AbsmaxBlocks(n)]; the mean is already taken off.
void DynamicQuantizeCpu(const float* x, int64_t n, uint8_t* codes,
                        float* absmax);
// out[i] = map[codes[i]] * absmax[i / 256] + offset.
void DynamicDequantizeCpu(const uint8_t* codes, const float* absmax, int64_t n,
                          float offset, float* out);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_NF4_NF4_H_
