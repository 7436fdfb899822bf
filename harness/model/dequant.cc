// d, m: scale and minimum of a block (f16); q: codes. q8_0: w = d q.
// q4_0: w = d (q - 8). q4_1: w = d q + m. Of a 4-bit block, element i < 16 is
// the low nibble of byte i, element i + 16 the high one.
#include "harness/model/dequant.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cstring>

#include "absl/strings/str_cat.h"

namespace sft {
namespace {

constexpr int64_t kBlock = 32;

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

constexpr StorageType kTypes[] = {
    {"f32", 0, "F32", 1, 4, FromF32, nullptr},
    {"f16", 1, "F16", 1, 2, FromF16, nullptr},
    {"bf16", 30, "BF16", 1, 2, FromBf16, nullptr},
    {"f64", 28, "F64", 1, 8, FromF64, FromF64ToDouble},
    {"q8_0", 8, "", kBlock, 34, FromQ8_0, nullptr},
    {"q4_0", 2, "", kBlock, 18, FromQ4_0, nullptr},
    {"q4_1", 3, "", kBlock, 20, FromQ4_1, nullptr},
};

struct GgmlName {
  uint64_t id;
  std::string_view name;
};
// Only to name what cannot be read.
constexpr GgmlName kUnreadable[] = {
    {6, "q5_0"},     {7, "q5_1"},    {10, "q2_k"},    {11, "q3_k"},
    {12, "q4_k"},    {13, "q5_k"},   {14, "q6_k"},    {15, "q8_k"},
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

}  // namespace sft
