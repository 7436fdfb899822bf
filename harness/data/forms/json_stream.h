// The values of a JSON file one at a time, in memory for one of them, however
// the file is broken into lines. Brackets and quotes alone are looked at: what
// is within a value is its parser's matter.
#ifndef HARNESS_DATA_FORMS_JSON_STREAM_H_
#define HARNESS_DATA_FORMS_JSON_STREAM_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "harness/core/packed_file.h"

namespace sft::data {

class JsonStream {
 public:
  static absl::StatusOr<JsonStream> Open(const std::string& path);

  // The bytes that are read next; empty behind the end.
  absl::StatusOr<std::string_view> Head();
  // The next character that is no white space, which is not taken; '\0' behind
  // the end.
  absl::StatusOr<char> Peek();
  void Take() { left_.remove_prefix(1); }

  struct Value {
    std::string text;  // empty where nothing stands, and if it is too long
    int64_t line = 0;  // where it begins, from 1
    bool too_long = false;
  };
  // Where a value ends: behind its own last bracket or quote; or before the
  // comma or `closer` of its level, whatever stands until there.
  enum class Until { kItsEnd, kComma };
  // Of at most `max_bytes`. An error if the file ends before, or with a bracket
  // that none has opened.
  absl::StatusOr<Value> Next(Until until, char closer, int64_t max_bytes);

  // "file:line" of the next byte.
  std::string Where() const;

 private:
  JsonStream(std::string path, PackedFile file)
      : path_(std::move(path)), file_(std::move(file)) {}
  absl::Status Fill();

  std::string path_;
  PackedFile file_;
  std::string_view left_;
  int64_t line_ = 1;
  bool begun_ = false;
};

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_JSON_STREAM_H_
