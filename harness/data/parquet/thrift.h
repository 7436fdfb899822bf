// Thrift's compact protocol, which Parquet's metadata is written in, as a tree
// of values: https://github.com/apache/thrift/blob/master/doc/specs/
// thrift-compact-protocol.md. Every size is checked against the bytes that are
// left, and the tree against kMaxThriftValues, before anything is allocated.
#ifndef HARNESS_DATA_PARQUET_THRIFT_H_
#define HARNESS_DATA_PARQUET_THRIFT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::data::parquet {

inline constexpr int64_t kMaxThriftValues = 1 << 22;

struct ThriftField;

// One value; what it is not is empty.
struct Thrift {
  int64_t number = 0;      // of truth values and whole numbers
  std::string_view bytes;  // of the text that was read
  std::vector<Thrift> items;
  std::vector<ThriftField> fields;

  // The field of that id, or an empty value.
  const Thrift& At(int64_t id) const;
  bool Has(int64_t id) const;
  int64_t Number(int64_t id, int64_t otherwise = 0) const;
  std::string Text(int64_t id) const { return std::string(At(id).bytes); }
};

struct ThriftField {
  int64_t id = 0;
  Thrift value;
};

// The struct that `bytes` begin with, which are then those behind it. They must
// outlive it.
absl::StatusOr<Thrift> ReadThrift(std::string_view& bytes);

// A varint, taken from `bytes`; false if there is none of 64 bits.
bool TakeVarint(std::string_view& bytes, uint64_t& value);
inline int64_t UnZigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

}  // namespace sft::data::parquet

#endif  // HARNESS_DATA_PARQUET_THRIFT_H_
