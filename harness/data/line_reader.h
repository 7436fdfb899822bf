// Lines of a file, unpacked where it is gzip or zstd, one at a time: memory for
// one line, whatever the file holds.
#ifndef HARNESS_DATA_LINE_READER_H_
#define HARNESS_DATA_LINE_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "harness/core/packed_file.h"

namespace sft::data {

class LineReader {
 public:
  static absl::StatusOr<LineReader> Open(const std::string& path,
                                         int64_t max_line_bytes);
  // The next line without its end; false behind the last one. Of a line above
  // the limit `too_long` is set and `line` is empty.
  absl::StatusOr<bool> Next();
  // The bytes that are read next, some thousands unless the file ends; empty
  // behind its end.
  absl::StatusOr<std::string_view> Head();
  const std::string& line() const { return line_; }
  bool too_long() const { return too_long_; }
  int64_t number() const { return number_; }  // of this line, from 1

 private:
  LineReader() = default;
  absl::Status Fill();

  std::string path_;
  int64_t max_line_bytes_ = 0;
  std::optional<PackedFile> file_;
  std::string_view left_;  // of what was read last
  std::string line_;
  bool too_long_ = false;
  int64_t number_ = 0;
};

}  // namespace sft::data

#endif  // HARNESS_DATA_LINE_READER_H_
