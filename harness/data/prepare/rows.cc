#include "harness/data/prepare/rows.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "harness/core/status.h"
#include "harness/data/prepare/unicode.h"

namespace sft {
namespace {

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

std::string ValueText(const nlohmann::json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void Put(std::string& out, const void* data, size_t size) {
  out.append(static_cast<const char*>(data), size);
}
void PutText(std::string& out, const std::string& text) {
  const uint64_t size = text.size();
  Put(out, &size, sizeof(size));
  out += text;
}
// These bytes were written by this process: no reader of foreign files.
std::string TakeText(std::string_view& in) {
  uint64_t size = 0;
  memcpy(&size, in.data(), sizeof(size));
  std::string text(in.substr(sizeof(size), size));
  in.remove_prefix(sizeof(size) + size);
  return text;
}

absl::Status Failed(const std::string& doing) {
  return absl::InternalError(absl::StrCat("the temporary file of rows cannot ",
                                          doing, ": ", strerror(errno)));
}

constexpr size_t kBufferBytes = size_t{1} << 20;

}  // namespace

TableRow RowFromJson(nlohmann::json object, int64_t line,
                     const std::vector<std::string>& text_columns,
                     const std::string& label_column) {
  TableRow row;
  row.line = line;
  row.changed = NormalizeJson(object);
  auto value = [&](const std::string& column) {
    const auto it = object.find(column);
    std::string text = it == object.end() ? "" : ValueText(*it);
    if (IsBlank(text) && row.missing.empty()) row.missing = column;
    return text;
  };
  for (const std::string& column : text_columns) {
    if (&column != &text_columns.front()) row.text += '\n';
    row.text += value(column);
  }
  if (!label_column.empty()) row.label = value(label_column);
  row.json = object.dump();
  return row;
}

absl::StatusOr<std::unique_ptr<SpilledRows>> SpilledRows::Create(
    const std::string& folder, const std::string& name) {
  std::unique_ptr<SpilledRows> rows(new SpilledRows(name));
  std::string path = folder + "/.rows.XXXXXX";
  rows->fd_ = mkostemp(path.data(), O_CLOEXEC);
  if (rows->fd_ < 0) {
    return InputError(
        folder, absl::StrCat("no file can be made there: ", strerror(errno)));
  }
  unlink(path.c_str());
  return rows;
}

SpilledRows::~SpilledRows() {
  if (fd_ >= 0) close(fd_);
}

absl::Status SpilledRows::Add(const TableRow& row) {
  const size_t before = unwritten_.size();
  Put(unwritten_, &row.line, sizeof(row.line));
  unwritten_ += row.changed ? '\1' : '\0';
  for (const std::string* text :
       {&row.missing, &row.text, &row.label, &row.json}) {
    PutText(unwritten_, *text);
  }
  ends_.push_back((ends_.empty() ? 0 : ends_.back()) + unwritten_.size() -
                  before);
  return unwritten_.size() < kBufferBytes ? absl::OkStatus() : Flush();
}

absl::Status SpilledRows::Flush() const {
  size_t done = 0;
  while (done < unwritten_.size()) {
    const ssize_t n =
        write(fd_, unwritten_.data() + done, unwritten_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failed("be written");
    done += static_cast<size_t>(n);
  }
  written_bytes_ += done;
  unwritten_.clear();
  return absl::OkStatus();
}

absl::StatusOr<TableRow> SpilledRows::Get(size_t index) const {
  if (!unwritten_.empty()) SFT_RETURN_IF_ERROR(Flush());
  const uint64_t begin = index == 0 ? 0 : ends_[index - 1];
  std::string bytes(ends_[index] - begin, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = pread(fd_, bytes.data() + done, bytes.size() - done,
                            static_cast<off_t>(begin + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failed("be read");
    done += static_cast<size_t>(n);
  }
  std::string_view in = bytes;
  TableRow row;
  memcpy(&row.line, in.data(), sizeof(row.line));
  row.changed = in[sizeof(row.line)] != '\0';
  in.remove_prefix(sizeof(row.line) + 1);
  row.missing = TakeText(in);
  row.text = TakeText(in);
  row.label = TakeText(in);
  row.json = TakeText(in);
  return row;
}

}  // namespace sft
