#include "harness/formats/wire.h"

#include "absl/strings/str_cat.h"

namespace sft::formats {
namespace {

constexpr int kMaxVarintBytes = 10;

absl::Status Damaged(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("ends inside ", what));
}

}  // namespace

absl::Status WireReader::Varint(uint64_t& value) {
  value = 0;
  for (int i = 0; i < kMaxVarintBytes; ++i) {
    if (rest_.empty()) return Damaged("a number");
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) return absl::OkStatus();
  }
  return absl::InvalidArgumentError("has a number of more than ten bytes");
}

absl::Status WireReader::Fixed(size_t size, uint64_t& value) {
  if (rest_.size() < size) return Damaged("a number");
  value = 0;
  for (size_t i = 0; i < size; ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(rest_[i]))
             << (8 * i);
  }
  rest_.remove_prefix(size);
  return absl::OkStatus();
}

absl::Status WireReader::Next(WireField& field) {
  uint64_t tag = 0;
  if (absl::Status status = Varint(tag); !status.ok()) return status;
  if (tag > UINT32_MAX || (tag >> 3) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("has a field ", tag >> 3));
  }
  field = {};
  field.number = static_cast<uint32_t>(tag >> 3);
  field.type = static_cast<WireType>(tag & 7);
  switch (field.type) {
    case WireType::kVarint:
      return Varint(field.value);
    case WireType::kFixed64:
      return Fixed(8, field.value);
    case WireType::kFixed32:
      return Fixed(4, field.value);
    case WireType::kBytes:
      break;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("has field ", field.number, " of wire type ", tag & 7));
  }
  uint64_t size = 0;
  if (absl::Status status = Varint(size); !status.ok()) return status;
  if (size > rest_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("has field ", field.number, " of ", size, " bytes, with ",
                     rest_.size(), " left"));
  }
  field.bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return absl::OkStatus();
}

}  // namespace sft::formats
