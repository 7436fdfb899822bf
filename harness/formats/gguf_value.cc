#include "harness/formats/gguf_value.h"

#include <charconv>
#include <utility>

#include "harness/core/status.h"

namespace sft::formats {
namespace {

constexpr uint64_t kMaxArray = 1 << 24;
constexpr uint64_t kMaxArrayElements = 1 << 25;
constexpr uint64_t kMaxTextBytes = 16 << 20;

// Bytes of one value at least (a string's length field).
uint64_t LeastBytes(uint32_t type) {
  constexpr uint64_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  return type <= kGgufF64 ? kBytes[type] : 0;
}

double ShortestDecimal(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  double out = value;
  std::from_chars(text, end, out);
  return out;
}

template <class T>
absl::StatusOr<int64_t> ReadInteger(GgufCursor& in, std::string_view key) {
  T value{};
  SFT_RETURN_IF_ERROR(in.Read(value, key));
  if (std::is_same_v<T, uint64_t> && value > static_cast<T>(INT64_MAX)) {
    return in.Fail(
        absl::StrCat("value of ", std::string(key), " is above 2^63"));
  }
  return static_cast<int64_t>(value);
}

absl::StatusOr<int64_t> ReadAnyInteger(GgufCursor& in, uint32_t type,
                                       std::string_view key) {
  switch (type) {
    case kGgufU8:
      return ReadInteger<uint8_t>(in, key);
    case kGgufI8:
      return ReadInteger<int8_t>(in, key);
    case kGgufU16:
      return ReadInteger<uint16_t>(in, key);
    case kGgufI16:
      return ReadInteger<int16_t>(in, key);
    case kGgufU32:
      return ReadInteger<uint32_t>(in, key);
    case kGgufI32:
      return ReadInteger<int32_t>(in, key);
    case kGgufU64:
      return ReadInteger<uint64_t>(in, key);
    default:
      return ReadInteger<int64_t>(in, key);
  }
}

absl::StatusOr<double> ReadReal(GgufCursor& in, uint32_t type,
                                std::string_view key) {
  if (type == kGgufF32) {
    float value = 0;
    SFT_RETURN_IF_ERROR(in.Read(value, key));
    return ShortestDecimal(value);
  }
  double value = 0;
  SFT_RETURN_IF_ERROR(in.Read(value, key));
  return value;
}

absl::StatusOr<bool> ReadBool(GgufCursor& in, std::string_view key) {
  uint8_t value = 0;
  SFT_RETURN_IF_ERROR(in.Read(value, key));
  if (value > 1) {
    return in.Fail(
        absl::StrCat("boolean ", std::string(key), " is neither 0 nor 1"));
  }
  return value == 1;
}

template <class T, class Reader>
absl::StatusOr<GgufValue> ReadElements(uint64_t count, Reader read) {
  std::vector<T> values;
  values.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    SFT_ASSIGN_OR_RETURN(T value, read());
    values.push_back(std::move(value));
  }
  return GgufValue(std::move(values));
}

// `elements` counts the array elements of the whole file so far.
absl::StatusOr<GgufValue> ReadArray(GgufCursor& in, const std::string& key,
                                    uint64_t& elements) {
  uint32_t type = 0;
  SFT_RETURN_IF_ERROR(in.Read(type, key));
  uint64_t count = 0;
  SFT_RETURN_IF_ERROR(in.Read(count, key));
  if (type > kGgufF64 || type == kGgufArray) {
    return in.Fail(
        absl::StrCat("array ", key, " of type ", type, " is not supported"));
  }
  if (count > kMaxArray || count > in.left() / LeastBytes(type)) {
    return in.Fail(absl::StrCat("array ", key, " claims ", count,
                                " elements, more than the file can hold"));
  }
  elements += count;
  if (elements > kMaxArrayElements) {
    return in.Fail(absl::StrCat("arrays of more than ", kMaxArrayElements,
                                " elements in all"));
  }
  switch (type) {
    case kGgufString:
      return ReadElements<std::string>(
          count, [&]() -> absl::StatusOr<std::string> {
            std::string text;
            SFT_RETURN_IF_ERROR(in.ReadText(text, kMaxTextBytes, key));
            return text;
          });
    case kGgufF32:
    case kGgufF64:
      return ReadElements<double>(count,
                                  [&] { return ReadReal(in, type, key); });
    case kGgufBool:
      return ReadElements<bool>(count, [&] { return ReadBool(in, key); });
    default:
      return ReadElements<int64_t>(
          count, [&] { return ReadAnyInteger(in, type, key); });
  }
}

}  // namespace

absl::StatusOr<GgufValue> ReadGgufValue(GgufCursor& in, const std::string& key,
                                        uint64_t& elements) {
  uint32_t type = 0;
  SFT_RETURN_IF_ERROR(in.Read(type, key));
  switch (type) {
    case kGgufString: {
      std::string text;
      SFT_RETURN_IF_ERROR(in.ReadText(text, kMaxTextBytes, key));
      return GgufValue(std::move(text));
    }
    case kGgufF32:
    case kGgufF64: {
      SFT_ASSIGN_OR_RETURN(double value, ReadReal(in, type, key));
      return GgufValue(value);
    }
    case kGgufBool: {
      SFT_ASSIGN_OR_RETURN(bool value, ReadBool(in, key));
      return GgufValue(value);
    }
    case kGgufArray:
      return ReadArray(in, key, elements);
    default:
      break;  // an integer, or no type at all
  }
  if (type > kGgufF64) {
    return in.Fail(absl::StrCat("key ", key, " has the unknown type ", type));
  }
  SFT_ASSIGN_OR_RETURN(int64_t value, ReadAnyInteger(in, type, key));
  return GgufValue(value);
}

}  // namespace sft::formats
