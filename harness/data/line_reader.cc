#include "harness/data/line_reader.h"

#include <algorithm>
#include <cstring>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"

namespace sft::data {

absl::StatusOr<LineReader> LineReader::Open(const std::string& path,
                                            int64_t max_line_bytes) {
  if (!FileExists(path)) return absl::NotFoundError(path + ": no such file");
  if (IsFolder(path)) return InputError(path, "is a folder");
  LineReader reader;
  reader.path_ = path;
  reader.max_line_bytes_ = max_line_bytes;
  reader.file_.reset(gzopen(path.c_str(), "rb"));
  if (reader.file_ == nullptr) return InputError(path, "cannot be opened");
  gzbuffer(reader.file_.get(), 1 << 18);
  reader.buffer_.resize(1 << 16);
  return reader;
}

absl::Status LineReader::Fill() {
  StopPoint();
  const int n = gzread(file_.get(), buffer_.data(),
                       static_cast<unsigned>(buffer_.size()));
  int code = 0;
  const char* message = gzerror(file_.get(), &code);
  if (n < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    return InputError(absl::StrCat(path_, ":", std::max<int64_t>(number_, 1)),
                      absl::StrCat("cannot be decompressed: ", message));
  }
  at_ = 0;
  end_ = static_cast<size_t>(n);
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> LineReader::Head() {
  if (at_ == end_) SFT_RETURN_IF_ERROR(Fill());
  return std::string_view(buffer_.data() + at_, end_ - at_);
}

absl::StatusOr<bool> LineReader::Next() {
  line_.clear();
  too_long_ = false;
  bool any = false;
  ++number_;
  while (true) {
    if (at_ == end_) {
      SFT_RETURN_IF_ERROR(Fill());
      if (end_ == 0) break;
    }
    any = true;
    const char* begin = buffer_.data() + at_;
    const char* newline =
        static_cast<const char*>(memchr(begin, '\n', end_ - at_));
    const size_t size =
        newline != nullptr ? static_cast<size_t>(newline - begin) : end_ - at_;
    if (static_cast<int64_t>(line_.size() + size) > max_line_bytes_) {
      too_long_ = true;
      line_.clear();
    }
    if (!too_long_) line_.append(begin, size);
    at_ += size + (newline != nullptr ? 1 : 0);
    if (newline != nullptr) break;
  }
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  return any;
}

}  // namespace sft::data
