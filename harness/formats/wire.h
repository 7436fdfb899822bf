// The wire format of protocol buffers, read from front to back: a tag, then a
// number or so many bytes. No length is believed beyond the bytes that are
// there, and nothing is copied. Format:
// protobuf.dev/programming-guides/encoding
#ifndef HARNESS_FORMATS_WIRE_H_
#define HARNESS_FORMATS_WIRE_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace sft::formats {

enum class WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t value = 0;      // of the three types of numbers
  std::string_view bytes;  // of kBytes
};

class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}
  bool done() const { return rest_.empty(); }
  // The next field. Groups, which no file of today holds, are an error.
  absl::Status Next(WireField& field);

 private:
  absl::Status Varint(uint64_t& value);
  absl::Status Fixed(size_t size, uint64_t& value);

  std::string_view rest_;
};

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_WIRE_H_
