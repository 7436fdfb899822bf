#include "harness/record/packed_items.h"

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <utility>

#include "harness/core/status.h"

namespace sft::record {
namespace {

constexpr size_t kSizeBytes = sizeof(uint64_t);
constexpr int kPackLevel = 6;

class FlatWriter {
 public:
  void Raw(const void* data, size_t size_bytes) {
    out_.append(static_cast<const char*>(data), size_bytes);
  }
  void Size(size_t size) {
    const uint64_t number = size;
    Raw(&number, sizeof(number));
  }
  void Value(const std::string& text) {
    Size(text.size());
    out_ += text;
  }
  void Value(int64_t number) { Raw(&number, sizeof(number)); }
  void Value(double number) { Raw(&number, sizeof(number)); }
  template <class T>
  void Value(const std::vector<T>& values) {
    Size(values.size());
    for (const T& value : values) Value(value);
  }
  void Value(const H5Matrix& matrix) {
    Value(matrix.columns);
    Value(matrix.values);
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

// False as soon as the bytes do not hold what they claim.
class FlatReader {
 public:
  explicit FlatReader(std::string_view bytes) : bytes_(bytes) {}

  bool done() const { return bytes_.empty(); }
  bool Byte(size_t& value) {
    if (bytes_.empty()) return false;
    value = static_cast<unsigned char>(bytes_[0]);
    bytes_.remove_prefix(1);
    return true;
  }
  bool Value(std::string& text) {
    size_t size = 0;
    if (!Size(size, 1)) return false;
    text.assign(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return true;
  }
  bool Value(int64_t& number) { return Raw(&number, sizeof(number)); }
  bool Value(double& number) { return Raw(&number, sizeof(number)); }
  bool Value(std::vector<std::string>& values) {
    size_t size = 0;
    if (!Size(size, kSizeBytes)) return false;
    values.resize(size);
    for (std::string& value : values) {
      if (!Value(value)) return false;
    }
    return true;
  }
  template <class T>
  bool Value(std::vector<T>& values) {
    size_t size = 0;
    if (!Size(size, sizeof(T))) return false;
    values.resize(size);
    return size == 0 || Raw(values.data(), size * sizeof(T));
  }
  bool Value(H5Matrix& matrix) {
    return Value(matrix.columns) && Value(matrix.values) &&
           matrix.columns > 0 &&
           static_cast<int64_t>(matrix.values.size()) % matrix.columns == 0;
  }

 private:
  bool Raw(void* data, size_t size_bytes) {
    if (bytes_.size() < size_bytes) return false;
    std::memcpy(data, bytes_.data(), size_bytes);
    bytes_.remove_prefix(size_bytes);
    return true;
  }
  // A number of things of which each takes at least so many bytes.
  bool Size(size_t& size, size_t bytes_each) {
    uint64_t number = 0;
    if (!Raw(&number, sizeof(number))) return false;
    size = static_cast<size_t>(number);
    return size <= bytes_.size() / bytes_each;
  }

  std::string_view bytes_;
};

// The alternative of this index, read; false also where there is none such.
template <size_t I = 0>
bool ReadAlternative(size_t index, FlatReader& reader, H5Value& value) {
  if constexpr (I < std::variant_size_v<H5Value>) {
    if (index == I) return reader.Value(value.emplace<I>());
    return ReadAlternative<I + 1>(index, reader, value);
  }
  return false;
}

absl::Status DamagedPack(const std::string& where) {
  return InputError(where, "is damaged: its packed values cannot be read");
}

}  // namespace

std::string FlatBytes(const std::vector<H5Item>& items) {
  FlatWriter writer;
  for (const H5Item& item : items) {
    writer.Value(item.path);
    writer.Value(item.attribute);
    const char index = static_cast<char>(item.value.index());
    writer.Raw(&index, 1);
    std::visit([&writer](const auto& value) { writer.Value(value); },
               item.value);
  }
  return writer.Take();
}

absl::StatusOr<std::vector<H5Item>> ItemsOfFlatBytes(const std::string& where,
                                                     std::string_view flat) {
  std::vector<H5Item> items;
  for (FlatReader reader(flat); !reader.done();) {
    H5Item item;
    size_t index = 0;
    if (!reader.Value(item.path) || !reader.Value(item.attribute) ||
        !reader.Byte(index) || !ReadAlternative(index, reader, item.value)) {
      return DamagedPack(where);
    }
    items.push_back(std::move(item));
  }
  return items;
}

absl::StatusOr<std::string> PackItems(const std::vector<H5Item>& items) {
  const std::string flat = FlatBytes(items);
  uLongf size = compressBound(flat.size());
  std::string packed(kSizeBytes + size, '\0');
  const uint64_t flat_size = flat.size();
  std::memcpy(packed.data(), &flat_size, kSizeBytes);
  if (compress2(reinterpret_cast<Bytef*>(packed.data() + kSizeBytes), &size,
                reinterpret_cast<const Bytef*>(flat.data()), flat.size(),
                kPackLevel) != Z_OK) {
    return absl::InternalError("a record's values cannot be deflated");
  }
  packed.resize(kSizeBytes + size);
  return packed;
}

absl::StatusOr<std::vector<H5Item>> UnpackItems(const std::string& where,
                                                std::string_view packed) {
  uint64_t flat_size = 0;
  if (packed.size() < kSizeBytes) return DamagedPack(where);
  std::memcpy(&flat_size, packed.data(), kSizeBytes);
  packed.remove_prefix(kSizeBytes);
  if (flat_size > packed.size() * kMostInflation) return DamagedPack(where);
  std::string flat(flat_size, '\0');
  uLongf size = flat_size;
  if (uncompress(reinterpret_cast<Bytef*>(flat.data()), &size,
                 reinterpret_cast<const Bytef*>(packed.data()),
                 packed.size()) != Z_OK ||
      size != flat_size) {
    return DamagedPack(where);
  }
  return ItemsOfFlatBytes(where, flat);
}

}  // namespace sft::record
