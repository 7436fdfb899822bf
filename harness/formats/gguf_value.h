// The values of a GGUF file's metadata, and the cursor that reads them.
#ifndef HARNESS_FORMATS_GGUF_VALUE_H_
#define HARNESS_FORMATS_GGUF_VALUE_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/files.h"
#include "harness/core/status.h"

namespace sft::formats {

// All integer types widen to int64 (a u64 above 2^63 - 1 is an error), both
// float types to double: an f32 to the double of its shortest decimal, so that
// 1e-5 is the same number as in a config.json.
using GgufValue = std::variant<int64_t, double, bool, std::string,
                               std::vector<int64_t>, std::vector<double>,
                               std::vector<bool>, std::vector<std::string>>;

// How a file names the types of values.
enum GgufType : uint32_t {
  kGgufU8,
  kGgufI8,
  kGgufU16,
  kGgufI16,
  kGgufU32,
  kGgufI32,
  kGgufF32,
  kGgufBool,
  kGgufString,
  kGgufArray,
  kGgufU64,
  kGgufI64,
  kGgufF64
};

// Reads a file from front to back; errors name the byte.
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

// The type and the value of `key`, where they begin. `elements` counts the
// array elements of the whole file so far, which are bounded.
absl::StatusOr<GgufValue> ReadGgufValue(GgufCursor& in, const std::string& key,
                                        uint64_t& elements);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_GGUF_VALUE_H_
