#include "harness/data/parquet/thrift.h"

#include "harness/core/status.h"

namespace sft::data::parquet {
namespace {

constexpr int kMaxThriftDepth = 24;

enum ThriftType {
  kStop = 0,
  kTrue = 1,
  kFalse = 2,
  kByte = 3,
  kInt16 = 4,
  kInt32 = 5,
  kInt64 = 6,
  kDouble = 7,
  kBytes = 8,
  kList = 9,
  kSet = 10,
  kMap = 11,
  kStruct = 12,
};

class ThriftReader {
 public:
  explicit ThriftReader(std::string_view& bytes) : bytes_(bytes) {}

  absl::Status Struct(int depth, Thrift& out) {
    SFT_RETURN_IF_ERROR(Count(depth));
    int64_t id = 0;
    while (true) {
      SFT_ASSIGN_OR_RETURN(const uint8_t head, Byte());
      const int type = head & 15;
      if (type == kStop) return absl::OkStatus();
      if (head >> 4 != 0) {
        id += head >> 4;
      } else {
        SFT_ASSIGN_OR_RETURN(const uint64_t number, Varint());
        id = UnZigzag(number);
      }
      Thrift& value = out.fields.emplace_back(ThriftField{id, {}}).value;
      if (type == kTrue || type == kFalse) {
        value.number = type == kTrue ? 1 : 0;
      } else {
        SFT_RETURN_IF_ERROR(Value(type, depth + 1, value));
      }
    }
  }

 private:
  static absl::Status Broken() {
    return absl::InvalidArgumentError("its metadata is broken");
  }
  absl::Status Count(int depth) {
    if (depth > kMaxThriftDepth || ++values_ > kMaxThriftValues) {
      return absl::InvalidArgumentError("its metadata is too large");
    }
    return absl::OkStatus();
  }
  absl::StatusOr<uint8_t> Byte() {
    if (bytes_.empty()) return Broken();
    const auto byte = static_cast<uint8_t>(bytes_[0]);
    bytes_.remove_prefix(1);
    return byte;
  }
  absl::StatusOr<uint64_t> Varint() {
    uint64_t value = 0;
    if (!TakeVarint(bytes_, value)) return Broken();
    return value;
  }

  absl::Status Value(int type, int depth, Thrift& out) {
    SFT_RETURN_IF_ERROR(Count(depth));
    switch (type) {
      case kTrue:  // of a list: a byte each
      case kFalse:
      case kByte: {
        SFT_ASSIGN_OR_RETURN(const uint8_t byte, Byte());
        out.number = type == kByte ? static_cast<int8_t>(byte) : byte == 1;
        return absl::OkStatus();
      }
      case kInt16:
      case kInt32:
      case kInt64: {
        SFT_ASSIGN_OR_RETURN(const uint64_t number, Varint());
        out.number = UnZigzag(number);
        return absl::OkStatus();
      }
      case kDouble:
        if (bytes_.size() < 8) return Broken();
        bytes_.remove_prefix(8);  // no metadata that is read here is one
        return absl::OkStatus();
      case kBytes: {
        SFT_ASSIGN_OR_RETURN(const uint64_t size, Varint());
        if (size > bytes_.size()) return Broken();
        out.bytes = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return absl::OkStatus();
      }
      case kList:
      case kSet: {
        SFT_ASSIGN_OR_RETURN(const uint8_t head, Byte());
        uint64_t size = head >> 4;
        if (size == 15) {
          SFT_ASSIGN_OR_RETURN(size, Varint());
        }
        if (size > bytes_.size()) return Broken();  // a byte each, at least
        for (uint64_t i = 0; i < size; ++i) {
          SFT_RETURN_IF_ERROR(
              Value(head & 15, depth + 1, out.items.emplace_back()));
        }
        return absl::OkStatus();
      }
      case kMap: {
        SFT_ASSIGN_OR_RETURN(const uint64_t size, Varint());
        if (size == 0) return absl::OkStatus();
        SFT_ASSIGN_OR_RETURN(const uint8_t types, Byte());
        if (size > bytes_.size()) return Broken();
        for (uint64_t i = 0; i < size; ++i) {
          for (const int one : {types >> 4, types & 15}) {
            SFT_RETURN_IF_ERROR(
                Value(one, depth + 1, out.items.emplace_back()));
          }
        }
        return absl::OkStatus();
      }
      case kStruct:
        return Struct(depth, out);
      default:
        return Broken();
    }
  }

  std::string_view& bytes_;
  int64_t values_ = 0;
};

}  // namespace

bool TakeVarint(std::string_view& bytes, uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) return false;
    const auto byte = static_cast<uint8_t>(bytes[0]);
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return true;
  }
  return false;
}

const Thrift& Thrift::At(int64_t id) const {
  static const Thrift& none = *new Thrift();
  for (const auto& [field, value] : fields) {
    if (field == id) return value;
  }
  return none;
}

bool Thrift::Has(int64_t id) const {
  for (const auto& [field, value] : fields) {
    if (field == id) return true;
  }
  return false;
}

int64_t Thrift::Number(int64_t id, int64_t otherwise) const {
  return Has(id) ? At(id).number : otherwise;
}

absl::StatusOr<Thrift> ReadThrift(std::string_view& bytes) {
  Thrift out;
  SFT_RETURN_IF_ERROR(ThriftReader(bytes).Struct(0, out));
  return out;
}

}  // namespace sft::data::parquet
