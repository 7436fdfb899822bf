#include "harness/kernels/nf4/nf4.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "harness/kernels/nf4/nf4_tables.h"

namespace sft::kernels {

const float kNf4Code[kNf4Codes] = {SFT_NF4_CODES};
const float kDynamicCode[kDynamicCodes] = {SFT_DYNAMIC_CODES};

namespace {

float AbsMax(const float* x, int64_t n) {
  float m = 0.0f;
  for (int64_t i = 0; i < n; ++i) m = std::max(m, std::fabs(x[i]));
  return m;
}

// To nearest, ties to even; the values are finite.
uint16_t Bf16Bits(float v) {
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

float As(float v, float) { return v; }
uint16_t As(float v, uint16_t) { return Bf16Bits(v); }

template <class T>
void Dequantize(const uint8_t* codes, const float* absmax, int64_t n,
                int64_t first, int64_t last, T* out) {
  for (int64_t block = first; block < last; ++block) {
    T value[kNf4Codes];
    for (int c = 0; c < kNf4Codes; ++c) {
      value[c] = As(MulRounded(kNf4Code[c], absmax[block]), T{});
    }
    const int64_t begin = block * kNf4BlockSize;
    const int64_t end = std::min(begin + kNf4BlockSize, n);
    int64_t i = begin;
    for (; i + 1 < end; i += 2) {
      const uint8_t byte = codes[i / 2];
      out[i] = value[byte >> 4];
      out[i + 1] = value[byte & 15];
    }
    if (i < end) out[i] = value[codes[i / 2] >> 4];
  }
}

}  // namespace

void Nf4QuantizeCpu(const float* x, int64_t n, uint8_t* codes, float* absmax) {
  for (int64_t block = 0; block < Nf4Blocks(n); ++block) {
    const int64_t begin = block * kNf4BlockSize;
    const int64_t size = std::min(kNf4BlockSize, n - begin);
    const bool whole = size == kNf4BlockSize;
    float m = AbsMax(x + begin, size);
    if (!whole) m = std::max(m, kSmallestAbsmax);
    absmax[block] = m;
    const float scale = Nf4Scale(m);
    // The nibble behind an odd end holds the code of zero.
    const int zero = NearestCode(0.0f, kNf4Code, kNf4Codes);
    int pair[2] = {zero, zero};
    for (int64_t i = 0; i < size; ++i) {
      pair[i % 2] = whole ? Nf4EncodeWhole(x[begin + i], scale, kNf4Code)
                          : Nf4EncodeRest(x[begin + i], m, kNf4Code);
      if (i % 2 == 1 || i + 1 == size) {
        codes[(begin + i) / 2] = static_cast<uint8_t>(pair[0] << 4 | pair[1]);
        pair[0] = pair[1] = zero;
      }
    }
  }
}

void Nf4DequantizeCpu(const uint8_t* codes, const float* absmax, int64_t n,
                      int64_t first, int64_t last, float* out) {
  Dequantize(codes, absmax, n, first, last, out);
}
void Nf4DequantizeCpu(const uint8_t* codes, const float* absmax, int64_t n,
                      int64_t first, int64_t last, uint16_t* out_bf16) {
  Dequantize(codes, absmax, n, first, last, out_bf16);
}

void DynamicQuantizeCpu(const float* x, int64_t n, uint8_t* codes,
                        float* absmax) {
  for (int64_t block = 0; block < AbsmaxBlocks(n); ++block) {
    const int64_t begin = block * kAbsmaxBlockSize;
    const int64_t end = std::min(begin + kAbsmaxBlockSize, n);
    const float m = AbsMax(x + begin, end - begin);
    absmax[block] = m;
    if (m == 0.0f) {
      std::fill(codes + begin, codes + end, uint8_t{0});
      continue;
    }
    const float scale = DivRounded(1.0f, m);
    for (int64_t i = begin; i < end; ++i) {
      codes[i] = static_cast<uint8_t>(DynamicEncode(x[i], scale, kDynamicCode));
    }
  }
}

void DynamicDequantizeCpu(const uint8_t* codes, const float* absmax, int64_t n,
                          float offset, float* out) {
  for (int64_t i = 0; i < n; ++i) {
    out[i] = DynamicDecode(codes[i], absmax[i / kAbsmaxBlockSize], offset,
                           kDynamicCode);
  }
}

}  // namespace sft::kernels
