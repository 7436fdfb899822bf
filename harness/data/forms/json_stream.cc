#include "harness/data/forms/json_stream.h"

#include <utility>

#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/core/utf8.h"

namespace sft::data {

absl::StatusOr<JsonStream> JsonStream::Open(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(PackedFile file, PackedFile::Open(path));
  JsonStream stream(path, std::move(file));
  SFT_RETURN_IF_ERROR(stream.Fill());
  return stream;
}

std::string JsonStream::Where() const {
  return absl::StrCat(path_, ":", line_);
}

absl::Status JsonStream::Fill() {
  StopPoint();
  absl::StatusOr<std::string_view> bytes = file_.Next();
  if (!bytes.ok()) {
    return InputError(Where(), ToStd(bytes.status().message()));
  }
  left_ = begun_ ? *bytes : WithoutByteOrderMark(*bytes);
  begun_ = true;
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> JsonStream::Head() {
  if (left_.empty()) SFT_RETURN_IF_ERROR(Fill());
  return left_;
}

absl::StatusOr<char> JsonStream::Peek() {
  while (true) {
    if (left_.empty()) SFT_RETURN_IF_ERROR(Fill());
    if (left_.empty()) return '\0';
    const char c = left_[0];
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') return c;
    line_ += c == '\n' ? 1 : 0;
    Take();
  }
}

absl::StatusOr<JsonStream::Value> JsonStream::Next(Until until, char closer,
                                                   int64_t max_bytes) {
  SFT_RETURN_IF_ERROR(Peek().status());
  Value value;
  value.line = line_;
  int64_t depth = 0;
  bool in_string = false, escaped = false;
  while (true) {
    if (left_.empty()) SFT_RETURN_IF_ERROR(Fill());
    if (left_.empty()) {
      return InputError(absl::StrCat(path_, ":", value.line),
                        "the file ends within the value that begins here: "
                        "unbalanced brackets or quotes");
    }
    const char c = left_[0];
    if (!in_string && depth == 0 && (c == ',' || c == closer)) return value;
    Take();
    line_ += c == '\n' ? 1 : 0;
    bool ends = false;
    if (in_string) {
      in_string = escaped || c != '"';
      escaped = !escaped && c == '\\';
      ends = !in_string && depth == 0;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth < 0) return InputError(Where(), "unbalanced brackets");
      ends = depth == 0;
    }
    if (static_cast<int64_t>(value.text.size()) >= max_bytes) {
      value.too_long = true;
      value.text.clear();
    }
    if (!value.too_long) value.text += c;
    if (ends && until == Until::kItsEnd) return value;
  }
}

}  // namespace sft::data
