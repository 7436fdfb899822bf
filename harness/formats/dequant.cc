// d, m: scale and minimum of a block (f16); q: codes. q8_0: w = d q.
// q4_0: w = d (q - 8). q4_1: w = d q + m. Of a 4-bit block, element i < 16 is
// the low nibble of byte i, element i + 16 the high one.
// q5_0: w = d (q - 16), q5_1: w = d q + m, fifth bits before the nibbles.
// Super-blocks of 256: 8 parts of 32 (q4_K, q5_K) or 16 of 16 (q2_K) with scale
// and minimum, w = (d scale) q - (dmin min); q3_K and q6_K have 16 parts with a
// scale of 6 or 8 bits, w = d scale (q - 4) and w = d scale (q - 32).
#include "harness/formats/dequant.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>
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

// q5_0, or q5_1 where `has_min`: d, perhaps m, 32 fifth bits, nibbles.
template <bool has_min>
void FromQ5(const uint8_t* source, int64_t blocks, float* out) {
  constexpr int64_t kBytes = has_min ? 24 : 22;
  constexpr int kOffset = has_min ? 0 : 16;
  for (int64_t b = 0; b < blocks; ++b, source += kBytes, out += kBlock) {
    const float d = LoadHalf(source);
    const uint8_t* bits = source + kBytes - 20;
    const auto high = LoadAs<uint32_t>(bits);
    for (int64_t i = 0; i < kBlock / 2; ++i) {
      const int q = bits[4 + i];
      const int low = (q & 15) | static_cast<int>(high >> i & 1) << 4;
      const int top = (q >> 4) | static_cast<int>(high >> (i + 16) & 1) << 4;
      out[i] = static_cast<float>(low - kOffset) * d;
      out[i + kBlock / 2] = static_cast<float>(top - kOffset) * d;
    }
    if (!has_min) continue;
    const float m = LoadHalf(source + 2);
    for (int64_t i = 0; i < kBlock; ++i) out[i] += m;
  }
}

// 16 bytes of scale and minimum, 64 of bit pairs, d, dmin. Of each half of the
// block, byte i has the pairs of elements i, i + 32, i + 64 and i + 96.
void FromQ2K(const uint8_t* source, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, source += 84, out += kSuperBlock) {
    const float d = LoadHalf(source + 80), d_min = LoadHalf(source + 82);
    for (int64_t i = 0; i < kSuperBlock; ++i) {
      const int q = source[16 + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2);
      const int parts = source[i / 16];
      out[i] = d * static_cast<float>(parts & 15) * static_cast<float>(q & 3) -
               d_min * static_cast<float>(parts >> 4);
    }
  }
}

// 32 bytes of high bits, 64 of bit pairs laid out as in q2_K, 12 of scales, d.
// The high bit that is not set takes 4 off.
void FromQ3K(const uint8_t* source, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, source += 110, out += kSuperBlock) {
    const float d = LoadHalf(source + 108);
    const uint8_t* scales = source + 96;
    for (int64_t i = 0; i < kSuperBlock; ++i) {
      const int64_t part = i / 16;
      const int low = scales[part % 8] >> (part / 8 * 4) & 15;
      const int top = scales[8 + part % 4] >> (part / 4 * 2) & 3;
      const int pair =
          source[32 + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
      const int high = source[i % 32] >> (i / 32) & 1;
      out[i] = d * static_cast<float>((low | top << 4) - 32) *
               static_cast<float>(high != 0 ? pair : pair - 4);
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

void ToF32(const float* in, int64_t blocks, uint8_t* out) {
  std::memcpy(out, in, static_cast<size_t>(blocks) * sizeof(float));
}

void StoreHalf(float value, uint8_t* out) {
  const uint16_t bits = c10::detail::fp16_ieee_from_fp32_value(value);
  std::memcpy(out, &bits, sizeof(bits));
}

void ToF16(const float* in, int64_t blocks, uint8_t* out) {
  for (int64_t i = 0; i < blocks; ++i) StoreHalf(in[i], out + i * 2);
}

// The scale is rounded to f16 behind the codes, as ggml does.
void ToQ8_0(const float* in, int64_t blocks, uint8_t* out) {
  for (int64_t b = 0; b < blocks; ++b, in += kBlock, out += 34) {
    float largest = 0;
    for (int64_t i = 0; i < kBlock; ++i) {
      largest = std::max(largest, std::abs(in[i]));
    }
    const float d = largest / 127.0F;
    const float inverse = d != 0 ? 1.0F / d : 0.0F;
    StoreHalf(d, out);
    for (int64_t i = 0; i < kBlock; ++i) {
      out[2 + i] = static_cast<uint8_t>(
          static_cast<int8_t>(std::round(in[i] * inverse)));
    }
  }
}

constexpr StorageType kTypes[] = {
    {"f32", 0, "F32", 1, 4, FromF32, nullptr, ToF32},
    {"f16", 1, "F16", 1, 2, FromF16, nullptr, ToF16},
    {"bf16", 30, "BF16", 1, 2, FromBf16, nullptr, nullptr},
    {"f64", 28, "F64", 1, 8, FromF64, FromF64ToDouble, nullptr},
    {"q8_0", 8, "", kBlock, 34, FromQ8_0, nullptr, ToQ8_0},
    {"q4_0", 2, "", kBlock, 18, FromQ4_0, nullptr, nullptr},
    {"q4_1", 3, "", kBlock, 20, FromQ4_1, nullptr, nullptr},
    {"q5_0", 6, "", kBlock, 22, FromQ5<false>, nullptr, nullptr},
    {"q5_1", 7, "", kBlock, 24, FromQ5<true>, nullptr, nullptr},
    {"q2_k", 10, "", kSuperBlock, 84, FromQ2K, nullptr, nullptr},
    {"q3_k", 11, "", kSuperBlock, 110, FromQ3K, nullptr, nullptr},
    {"q4_k", 12, "", kSuperBlock, 144, FromQ45K<false>, nullptr, nullptr},
    {"q5_k", 13, "", kSuperBlock, 176, FromQ45K<true>, nullptr, nullptr},
    {"q6_k", 14, "", kSuperBlock, 210, FromQ6K, nullptr, nullptr},
};

struct GgmlName {
  uint64_t id;
  std::string_view name;
};
// Only to name what cannot be read.
constexpr GgmlName kUnreadable[] = {
    {15, "q8_k"},   {16, "iq2_xxs"}, {17, "iq2_xs"}, {18, "iq3_xxs"},
    {19, "iq1_s"},  {20, "iq4_nl"},  {21, "iq3_s"},  {22, "iq2_s"},
    {23, "iq4_xs"}, {24, "i8"},      {25, "i16"},    {26, "i32"},
    {27, "i64"},    {29, "iq1_m"},   {34, "tq1_0"},  {35, "tq2_0"},
    {39, "mxfp4"},
};

}  // namespace

const StorageType* FindGgmlType(uint64_t ggml_id) {
  for (const StorageType& type : kTypes) {
    if (static_cast<uint64_t>(type.ggml_id) == ggml_id) return &type;
  }
  return nullptr;
}

const StorageType* FindWritableType(std::string_view name) {
  for (const StorageType& type : kTypes) {
    if (type.from_float != nullptr && type.name == name) return &type;
  }
  return nullptr;
}

std::vector<std::string> WritableTypes() {
  std::vector<std::string> out;
  for (const StorageType& type : kTypes) {
    if (type.from_float != nullptr) out.emplace_back(type.name);
  }
  return out;
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
