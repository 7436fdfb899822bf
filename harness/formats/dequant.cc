// d, m: scale and minimum of a block (f16); q: codes. q8_0: w = d q.
// q4_0: w = d (q - 8). q4_1: w = d q + m. Of a 4-bit block, element i < 16 is
// the low nibble of byte i, element i + 16 the high one.
// q5_0: w = d (q - 16), its fifth bits in 32 bits before the nibbles.
// Super-blocks of 256: q4_K and q5_K have 8 parts of 32 with 6-bit scale and
// minimum, w = (d scale) q - (dmin min); q6_K 16 parts of 16 with an 8-bit
// scale, w = d scale (q - 32).
#include "harness/formats/dequant.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cstring>

#include "absl/strings/str_cat.h"

namespace sft::formats {
namespace {

constexpr int64_t kBlock = 32;
constexpr int64_t kSuperBlock = 256;

template <class T>
T LoadAs(const uint8_t* source) {
  T value;
  std::memcpy(&value, source, sizeof(T));
  return value;
}

float LoadHalf(const uint8_t* source) {
  return c10::detail::fp16_ieee_to_fp32_value(LoadAs<uint16_t>(source));
}

void FromF32(const uint8_t* source, int64_t blocks, float* out) {
  std::memcpy(out, source, static_cast<size_t>(blocks) * sizeof(float));
}

void FromF64(const uint8_t* source, int64_t blocks, float* out) {
  for (int64_t i = 0; i < blocks; ++i) {
    out[i] = static_cast<float>(LoadAs<double>(source + i * 8));
  }
}

void FromF64ToDouble(const uint8_t* source, int64_t blocks, double* out) {
  std::memcpy(out, source, static_cast<size_t>(blocks) * sizeof(double));
}

void FromF16(const uint8_t* source, int64_t blocks, float* out) {
  for (int64_t i = 0; i < blocks; ++i) out[i] = LoadHalf(source + i * 2);
}

void FromBf16(const uint8_t* source, int64_t blocks, float* out) {
  for (int64_t i = 0; i < blocks; ++i) {
    out[i] = c10::detail::f32_from_bits(LoadAs<uint16_t>(source + i * 2));
  }
}

void FromQ8_0(const uint8_t* source, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, source += 34, out += kBlock) {
    const float d = LoadHalf(source);
    for (int64_t i = 0; i < kBlock; ++i) {
      out[i] = static_cast<float>(static_cast<int8_t>(source[2 + i])) * d;
    }
  }
}

void FromQ4_0(const uint8_t* source, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, source += 18, out += kBlock) {
    const float d = LoadHalf(source);
    for (int64_t i = 0; i < kBlock / 2; ++i) {
      const int q = source[2 + i];
      out[i] = static_cast<float>((q & 15) - 8) * d;
      out[i + kBlock / 2] = static_cast<float>((q >> 4) - 8) * d;
    }
  }
}

void FromQ4_1(const uint8_t* source, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, source += 20, out += kBlock) {
    const float d = LoadHalf(source);
    const float m = LoadHalf(source + 2);
    for (int64_t i = 0; i < kBlock / 2; ++i) {
      const int q = source[4 + i];
      out[i] = static_cast<float>(q & 15) * d + m;
      out[i + kBlock / 2] = static_cast<float>(q >> 4) * d + m;
    }
  }
}

void FromQ5_0(const uint8_t* source, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, source += 22, out += kBlock) {
    const float d = LoadHalf(source);
    const uint32_t high = LoadAs<uint32_t>(source + 2);
    for (int64_t i = 0; i < kBlock / 2; ++i) {
      const int q = source[6 + i];
      const int low = (q & 15) | static_cast<int>(high >> i & 1) << 4;
      const int top = (q >> 4) | static_cast<int>(high >> (i + 16) & 1) << 4;
      out[i] = static_cast<float>(low - 16) * d;
      out[i + kBlock / 2] = static_cast<float>(top - 16) * d;
    }
  }
}

// The 6-bit scale and minimum of part `j` of 8, out of 12 bytes: those of
// parts 4 to 7 have their two high bits in the bytes of parts 0 to 3.
void ScaleAndMin(const uint8_t* packed, int j, int& scale, int& min) {
  if (j < 4) {
    scale = packed[j] & 63;
    min = packed[j + 4] & 63;
    return;
  }
  scale = (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
  min = (packed[j + 4] >> 4) | (packed[j] >> 6) << 4;
}

// q4_K, or q5_K where `has_high`: d, dmin, 12 bytes of scales, 32 bytes of
// fifth bits, 128 bytes of nibbles, of which each 32 hold two parts.
template <bool has_high>
void FromQ45K(const uint8_t* source, int64_t blocks, float* out) {
  constexpr int64_t kBytes = has_high ? 176 : 144;
  for (int64_t b = 0; b < blocks; ++b, source += kBytes, out += kSuperBlock) {
    const float d = LoadHalf(source), d_min = LoadHalf(source + 2);
    const uint8_t* high = source + 16;
    const uint8_t* codes = has_high ? high + 32 : high;
    for (int j = 0; j < 8; ++j) {
      int scale = 0, min = 0;
      ScaleAndMin(source + 4, j, scale, min);
      const float step = d * static_cast<float>(scale);
      const float base = d_min * static_cast<float>(min);
      for (int64_t i = 0; i < kBlock; ++i) {
        int q = codes[j / 2 * kBlock + i] >> (j % 2 * 4) & 15;
        if (has_high) q |= (high[i] >> j & 1) << 4;
        out[j * kBlock + i] = step * static_cast<float>(q) - base;
      }
    }
  }
}

// 128 bytes of low nibbles, 64 of high bit pairs, 16 scales, d; each half of
// the block has a half of each.
void FromQ6K(const uint8_t* source, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, source += 210, out += kSuperBlock) {
    const float d = LoadHalf(source + 208);
    for (int64_t i = 0; i < kSuperBlock; ++i) {
      const int64_t half = i / 128, part = i % 128 / 32, at = i % 32;
      const int low =
          source[half * 64 + part % 2 * 32 + at] >> (part / 2 * 4) & 15;
      const int high = source[128 + half * 32 + at] >> (part * 2) & 3;
      const auto scale = static_cast<int8_t>(source[192 + i / 16]);
      out[i] = d * static_cast<float>(scale) *
               static_cast<float>((low | high << 4) - 32);
    }
  }
}

constexpr StorageType kTypes[] = {
    {"f32", 0, "F32", 1, 4, FromF32, nullptr},
    {"f16", 1, "F16", 1, 2, FromF16, nullptr},
    {"bf16", 30, "BF16", 1, 2, FromBf16, nullptr},
    {"f64", 28, "F64", 1, 8, FromF64, FromF64ToDouble},
    {"q8_0", 8, "", kBlock, 34, FromQ8_0, nullptr},
    {"q4_0", 2, "", kBlock, 18, FromQ4_0, nullptr},
    {"q4_1", 3, "", kBlock, 20, FromQ4_1, nullptr},
    {"q5_0", 6, "", kBlock, 22, FromQ5_0, nullptr},
    {"q4_k", 12, "", kSuperBlock, 144, FromQ45K<false>, nullptr},
    {"q5_k", 13, "", kSuperBlock, 176, FromQ45K<true>, nullptr},
    {"q6_k", 14, "", kSuperBlock, 210, FromQ6K, nullptr},
};

struct GgmlName {
  uint64_t id;
  std::string_view name;
};
// Only to name what cannot be read.
constexpr GgmlName kUnreadable[] = {
    {7, "q5_1"},     {10, "q2_k"},   {11, "q3_k"},    {15, "q8_k"},
    {16, "iq2_xxs"}, {17, "iq2_xs"}, {18, "iq3_xxs"}, {19, "iq1_s"},
    {20, "iq4_nl"},  {21, "iq3_s"},  {22, "iq2_s"},   {23, "iq4_xs"},
    {24, "i8"},      {25, "i16"},    {26, "i32"},     {27, "i64"},
    {29, "iq1_m"},   {34, "tq1_0"},  {35, "tq2_0"},   {39, "mxfp4"},
};

}  // namespace

const StorageType* FindGgmlType(uint64_t ggml_id) {
  for (const StorageType& type : kTypes) {
    if (static_cast<uint64_t>(type.ggml_id) == ggml_id) return &type;
  }
  return nullptr;
}

const StorageType* FindSafetensorsType(std::string_view name) {
  for (const StorageType& type : kTypes) {
    if (!name.empty() && type.safetensors_name == name) return &type;
  }
  return nullptr;
}

std::string GgmlTypeName(uint64_t ggml_id) {
  if (const StorageType* type = FindGgmlType(ggml_id)) {
    return std::string(type->name);
  }
  for (const GgmlName& row : kUnreadable) {
    if (row.id == ggml_id) return std::string(row.name);
  }
  return absl::StrCat("type ", ggml_id);
}

std::string ReadableTypes() {
  std::string out;
  for (const StorageType& type : kTypes) {
    absl::StrAppend(&out, out.empty() ? "" : ", ", std::string(type.name));
  }
  return out;
}

}  // namespace sft::formats
