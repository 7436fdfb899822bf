#include "harness/formats/gguf.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>
#include <utility>

#include "harness/core/status.h"
#include "harness/formats/not_the_file.h"

namespace sft::formats {
namespace {

constexpr uint64_t kMaxKeys = 1 << 16;
constexpr uint64_t kMaxTensors = 1 << 20;
constexpr uint64_t kMaxDims = 4;
constexpr uint64_t kMaxArray = 1 << 24;
constexpr uint64_t kMaxArrayElements = 1 << 25;
constexpr uint64_t kMaxNameBytes = 1 << 10;
constexpr uint64_t kMaxTextBytes = 16 << 20;
enum ValueType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

// Bytes of one value at least (a string's length field).
uint64_t LeastBytes(uint32_t type) {
  constexpr uint64_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  return type <= kF64 ? kBytes[type] : 0;
}

double ShortestDecimal(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  double out = value;
  std::from_chars(text, end, out);
  return out;
}

// Reads the file from front to back; the first failure sticks.
class GgufCursor {
 public:
  explicit GgufCursor(const MappedFile& map) : map_(map) {}

  absl::Status Fail(std::string_view what) const {
    return InputError(map_.path(), absl::StrCat(std::string(what), " (at byte ",
                                                position_, ")"));
  }
  uint64_t left() const { return map_.size_bytes() - position_; }
  uint64_t position() const { return position_; }

  template <class T>
  absl::Status Read(T& value, std::string_view what) {
    if (left() < sizeof(T)) {
      return Fail(absl::StrCat("file ends inside ", std::string(what)));
    }
    std::memcpy(&value, map_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return absl::OkStatus();
  }
  absl::Status ReadText(std::string& value, uint64_t max,
                        std::string_view what) {
    uint64_t length = 0;
    SFT_RETURN_IF_ERROR(Read(length, what));
    if (length > left() || length > max) {
      return Fail(absl::StrCat("length ", length, " of ", std::string(what),
                               " is above the ", std::min(left(), max),
                               " bytes possible"));
    }
    value.assign(reinterpret_cast<const char*>(map_.data() + position_),
                 length);
    position_ += length;
    return absl::OkStatus();
  }

 private:
  const MappedFile& map_;
  uint64_t position_ = 0;
};

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
    case kU8:
      return ReadInteger<uint8_t>(in, key);
    case kI8:
      return ReadInteger<int8_t>(in, key);
    case kU16:
      return ReadInteger<uint16_t>(in, key);
    case kI16:
      return ReadInteger<int16_t>(in, key);
    case kU32:
      return ReadInteger<uint32_t>(in, key);
    case kI32:
      return ReadInteger<int32_t>(in, key);
    case kU64:
      return ReadInteger<uint64_t>(in, key);
    default:
      return ReadInteger<int64_t>(in, key);
  }
}

absl::StatusOr<double> ReadReal(GgufCursor& in, uint32_t type,
                                std::string_view key) {
  if (type == kF32) {
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
  if (type > kF64 || type == kArray) {
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
    case kString:
      return ReadElements<std::string>(
          count, [&]() -> absl::StatusOr<std::string> {
            std::string text;
            SFT_RETURN_IF_ERROR(in.ReadText(text, kMaxTextBytes, key));
            return text;
          });
    case kF32:
    case kF64:
      return ReadElements<double>(count,
                                  [&] { return ReadReal(in, type, key); });
    case kBool:
      return ReadElements<bool>(count, [&] { return ReadBool(in, key); });
    default:
      return ReadElements<int64_t>(
          count, [&] { return ReadAnyInteger(in, type, key); });
  }
}

absl::StatusOr<GgufValue> ReadValue(GgufCursor& in, const std::string& key,
                                    uint64_t& elements) {
  uint32_t type = 0;
  SFT_RETURN_IF_ERROR(in.Read(type, key));
  switch (type) {
    case kString: {
      std::string text;
      SFT_RETURN_IF_ERROR(in.ReadText(text, kMaxTextBytes, key));
      return GgufValue(std::move(text));
    }
    case kF32:
    case kF64: {
      SFT_ASSIGN_OR_RETURN(double value, ReadReal(in, type, key));
      return GgufValue(value);
    }
    case kBool: {
      SFT_ASSIGN_OR_RETURN(bool value, ReadBool(in, key));
      return GgufValue(value);
    }
    case kArray:
      return ReadArray(in, key, elements);
    default:
      break;  // an integer, or no type at all
  }
  if (type > kF64) {
    return in.Fail(absl::StrCat("key ", key, " has the unknown type ", type));
  }
  SFT_ASSIGN_OR_RETURN(int64_t value, ReadAnyInteger(in, type, key));
  return GgufValue(value);
}

struct TensorRecord {
  GgufTensor tensor;
  uint64_t offset = 0;  // from the start of the data
  uint64_t bytes = 0;   // 0 if the type is unknown
};

absl::StatusOr<TensorRecord> ReadTensorRecord(GgufCursor& in,
                                              uint64_t alignment) {
  TensorRecord record;
  GgufTensor& tensor = record.tensor;
  SFT_RETURN_IF_ERROR(
      in.ReadText(tensor.name, kMaxNameBytes, "a tensor's name"));
  const std::string what = absl::StrCat("tensor ", tensor.name);
  uint32_t dims = 0;
  SFT_RETURN_IF_ERROR(in.Read(dims, what));
  if (dims == 0 || dims > kMaxDims) {
    return in.Fail(absl::StrCat(what, " has ", dims,
                                " dimensions, wanted 1 to ", kMaxDims));
  }
  int64_t elements = 1;
  for (uint32_t i = 0; i < dims; ++i) {
    uint64_t size = 0;
    SFT_RETURN_IF_ERROR(in.Read(size, what));
    if (size == 0 || size > INT64_MAX ||
        __builtin_mul_overflow(elements, static_cast<int64_t>(size),
                               &elements)) {
      return in.Fail(absl::StrCat(what, " has an impossible dimension ", size));
    }
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(size));
  }
  uint32_t id = 0;
  SFT_RETURN_IF_ERROR(in.Read(id, what));
  SFT_RETURN_IF_ERROR(in.Read(record.offset, what));
  tensor.ggml_id = id;
  tensor.type = FindGgmlType(id);
  if (record.offset % alignment != 0) {
    return in.Fail(absl::StrCat(what, " is not aligned"));
  }
  if (tensor.type == nullptr) return record;
  if (tensor.shape.back() % tensor.type->block_elements != 0) {
    return in.Fail(absl::StrCat(what, " has rows of ", tensor.shape.back(),
                                ", no multiple of the block of ",
                                tensor.type->block_elements));
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(elements / tensor.type->block_elements,
                             tensor.type->block_bytes, &bytes)) {
    return in.Fail(absl::StrCat(what, " has an impossible size"));
  }
  record.bytes = static_cast<uint64_t>(bytes);
  return record;
}

// Every tensor inside the data, none over another.
absl::Status CheckRanges(const std::string& path,
                         const std::vector<TensorRecord>& records,
                         uint64_t data_bytes) {
  std::vector<const TensorRecord*> order;
  std::set<std::string> names;
  for (const TensorRecord& record : records) {
    const std::string& name = record.tensor.name;
    if (!names.insert(name).second) {
      return InputError(path, absl::StrCat("tensor ", name, " given twice"));
    }
    if (record.offset > data_bytes ||
        record.bytes > data_bytes - record.offset) {
      return InputError(
          path, absl::StrCat("tensor ", name, " wants bytes ", record.offset,
                             " to ", record.offset, " + ", record.bytes,
                             " of the ", data_bytes, " bytes of data"));
    }
    order.push_back(&record);
  }
  std::sort(order.begin(), order.end(),
            [](const auto* a, const auto* b) { return a->offset < b->offset; });
  for (size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->offset + order[i - 1]->bytes > order[i]->offset ||
        order[i - 1]->offset == order[i]->offset) {
      return InputError(
          path, absl::StrCat("tensors ", order[i - 1]->tensor.name, " and ",
                             order[i]->tensor.name, " overlap"));
    }
  }
  return absl::OkStatus();
}
}  // namespace

absl::StatusOr<GgufFile> GgufFile::Open(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(MappedFile map, MappedFile::Open(path));
  GgufFile file(std::move(map));
  GgufCursor in(file.map_);
  uint32_t magic = 0, version = 0;
  uint64_t tensor_count = 0, key_count = 0;
  SFT_RETURN_IF_ERROR(CheckIsTheFile(
      path,
      {reinterpret_cast<const char*>(file.map_.data()),
       static_cast<size_t>(std::min<uint64_t>(in.left(), kToldByBytes))}));
  if (!in.Read(magic, "the magic").ok() || magic != 0x46554747) {
    return InputError(path, "not a GGUF file (no \"GGUF\" at its start)");
  }
  SFT_RETURN_IF_ERROR(in.Read(version, "the header"));
  if (version != 2 && version != 3) {
    return InputError(path, absl::StrCat("GGUF version ", version,
                                         ", wanted 2 or 3, little-endian"));
  }
  SFT_RETURN_IF_ERROR(in.Read(tensor_count, "the header"));
  SFT_RETURN_IF_ERROR(in.Read(key_count, "the header"));
  // A key takes 8 + 4 + 1 bytes at least, a tensor 8 + 4 + 8 + 4 + 8.
  if (key_count > kMaxKeys || key_count > in.left() / 13 ||
      tensor_count > kMaxTensors || tensor_count > in.left() / 32) {
    return InputError(
        path,
        absl::StrCat("header claims ", key_count, " keys and ", tensor_count,
                     " tensors in ", file.map_.size_bytes(), " bytes"));
  }
  uint64_t elements = 0;
  for (uint64_t i = 0; i < key_count; ++i) {
    std::string key;
    SFT_RETURN_IF_ERROR(in.ReadText(key, kMaxNameBytes, "a key"));
    SFT_ASSIGN_OR_RETURN(GgufValue value, ReadValue(in, key, elements));
    if (!file.metadata_.emplace(key, std::move(value)).second) {
      return InputError(path, absl::StrCat("key ", key, " given twice"));
    }
  }
  uint64_t alignment = 32;
  if (file.Has("general.alignment")) {
    SFT_ASSIGN_OR_RETURN(int64_t wanted,
                         file.Get<int64_t>("general.alignment"));
    if (wanted < 8 || wanted > (1 << 20) || (wanted & (wanted - 1)) != 0) {
      return InputError(path, absl::StrCat("general.alignment ", wanted,
                                           " is no power of two from 8 on"));
    }
    alignment = static_cast<uint64_t>(wanted);
  }
  std::vector<TensorRecord> records;
  for (uint64_t i = 0; i < tensor_count; ++i) {
    SFT_ASSIGN_OR_RETURN(TensorRecord record, ReadTensorRecord(in, alignment));
    records.push_back(std::move(record));
  }
  const uint64_t size = file.map_.size_bytes();
  const uint64_t start =
      std::min(size, (in.position() + alignment - 1) / alignment * alignment);
  SFT_RETURN_IF_ERROR(CheckRanges(path, records, size - start));
  for (TensorRecord& record : records) {
    record.tensor.data = file.map_.data() + start + record.offset;
    file.tensors_.push_back(std::move(record.tensor));
  }
  return file;
}

template <class T>
absl::StatusOr<T> GgufFile::Get(const std::string& key) const {
  auto it = metadata_.find(key);
  if (it == metadata_.end()) {
    return InputError(path(), absl::StrCat("key ", key, " is missing"));
  }
  const T* value = std::get_if<T>(&it->second);
  if (value == nullptr) {
    return InputError(path(), absl::StrCat("key ", key, " has another type"));
  }
  return *value;
}

template absl::StatusOr<int64_t> GgufFile::Get(const std::string&) const;
template absl::StatusOr<double> GgufFile::Get(const std::string&) const;
template absl::StatusOr<bool> GgufFile::Get(const std::string&) const;
template absl::StatusOr<std::string> GgufFile::Get(const std::string&) const;
template absl::StatusOr<std::vector<int64_t>> GgufFile::Get(
    const std::string&) const;
template absl::StatusOr<std::vector<double>> GgufFile::Get(
    const std::string&) const;
template absl::StatusOr<std::vector<std::string>> GgufFile::Get(
    const std::string&) const;

}  // namespace sft::formats
