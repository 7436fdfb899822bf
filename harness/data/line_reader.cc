#include "harness/data/line_reader.h"

#include <algorithm>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/stop_point.h"

namespace sft::data {

absl::StatusOr<LineReader> LineReader::Open(const std::string& path,
                                            int64_t max_line_bytes) {
  LineReader reader;
  SFT_ASSIGN_OR_RETURN(reader.file_, PackedFile::Open(path));
  reader.path_ = path;
  reader.max_line_bytes_ = max_line_bytes;
  return reader;
}

absl::Status LineReader::Fill() {
  StopPoint();
  absl::StatusOr<std::string_view> bytes = file_->Next();
  if (!bytes.ok()) {
    return InputError(absl::StrCat(path_, ":", std::max<int64_t>(number_, 1)),
                      ToStd(bytes.status().message()));
  }
  left_ = *bytes;
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> LineReader::Head() {
  if (left_.empty()) SFT_RETURN_IF_ERROR(Fill());
  return left_;
}

absl::StatusOr<bool> LineReader::Next() {
  line_.clear();
  too_long_ = false;
  bool any = false;
  ++number_;
  while (true) {
    if (left_.empty()) {
      SFT_RETURN_IF_ERROR(Fill());
      if (left_.empty()) break;
    }
    any = true;
    const size_t newline = left_.find('\n');
    const std::string_view text = left_.substr(0, newline);
    if (static_cast<int64_t>(line_.size() + text.size()) > max_line_bytes_) {
      too_long_ = true;
      line_.clear();
    }
    if (!too_long_) line_ += text;
    if (newline != std::string_view::npos) {
      left_.remove_prefix(newline + 1);
      break;
    }
    left_ = {};
  }
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  return any;
}

}  // namespace sft::data
