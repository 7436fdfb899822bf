#include "harness/data/prepare/rows.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_join.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/conversation.h"
#include "harness/data/jsonl.h"
#include "harness/data/unicode.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

std::string ValueText(const nlohmann::json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Roles as signs, which are no words: they tell conversations apart and make
// none alike.
void AddConversation(const nlohmann::json& messages, TableRow& row) {
  const auto is_answer = [&](size_t i) {
    return i + 1 == messages.size() &&
           RoleOfMessage(messages[i]) == "assistant";
  };
  std::string prompt;
  for (size_t i = 0; i < messages.size(); ++i) {
    std::string content = TextOfMessage(messages[i]);
    if (is_answer(i)) {
      row.answer.push_back(std::move(content));
      continue;
    }
    const std::string role = RoleOfMessage(messages[i]);
    prompt += role == "system" ? "# " : role == "assistant" ? "< " : "> ";
    prompt += content + "\n";
  }
  row.text.push_back(std::move(prompt));
}

bool HasAnswerStart(const nlohmann::json& value) {
  if (value.is_object() && value.contains("answer_start")) return true;
  return value.is_structured() &&
         std::any_of(value.begin(), value.end(), HasAnswerStart);
}

void Put(std::string& out, const void* data, size_t size) {
  out.append(static_cast<const char*>(data), size);
}
void PutText(std::string& out, const std::string& text) {
  const uint64_t size = text.size();
  Put(out, &size, sizeof(size));
  out += text;
}
void PutTexts(std::string& out, const std::vector<std::string>& texts) {
  const uint64_t size = texts.size();
  Put(out, &size, sizeof(size));
  for (const std::string& text : texts) PutText(out, text);
}
// These bytes were written by this process: no reader of foreign files.
std::string TakeText(std::string_view& in) {
  uint64_t size = 0;
  memcpy(&size, in.data(), sizeof(size));
  std::string text(in.substr(sizeof(size), size));
  in.remove_prefix(sizeof(size) + size);
  return text;
}
std::vector<std::string> TakeTexts(std::string_view& in) {
  uint64_t size = 0;
  memcpy(&size, in.data(), sizeof(size));
  in.remove_prefix(sizeof(size));
  std::vector<std::string> texts(size);
  for (std::string& text : texts) text = TakeText(in);
  return texts;
}

constexpr size_t kBufferBytes = size_t{1} << 20;

}  // namespace

std::string TableRow::Text() const { return absl::StrJoin(text, "\n"); }

TableRow RowFromJson(nlohmann::json object, int64_t line,
                     const RowColumns& columns) {
  TableRow row;
  row.line = line;
  row.changed = columns.nfc && !HasAnswerStart(object) ? NormalizeJson(object)
                                                       : !IsNfc(object);
  const nlohmann::json none;
  auto at = [&](const std::string& column) -> const nlohmann::json& {
    auto it = object.find(column);
    // What others call so is ShareGPT's column by its own name.
    if (it == object.end() && column == "messages") {
      it = object.find(kShareGptColumn);
    }
    return it == object.end() ? none : *it;
  };
  auto want = [&](const std::string& column, const std::string& text) {
    if (IsBlank(text) && row.missing.empty()) row.missing = column;
  };
  for (const auto* names : {&columns.text, &columns.also}) {
    for (const std::string& column : *names) {
      nlohmann::json parsed;
      const nlohmann::json* value = &at(column);
      // A table of texts holds a conversation as JSON.
      if (value->is_string() &&
          value->get_ref<const std::string&>().rfind("[{", 0) == 0) {
        absl::StatusOr<nlohmann::json> read =
            formats::ParseJson(value->get_ref<const std::string&>());
        if (read.ok()) parsed = *std::move(read);
        if (IsConversation(parsed)) value = &parsed;
      }
      if (IsConversation(*value)) {
        AddConversation(*value, row);
      } else {
        row.text.push_back(ValueText(*value));
      }
      if (names == &columns.text) want(column, row.text.back());
    }
  }
  if (columns.text.empty() && !columns.also.empty())
    want(columns.also[0], row.Text());
  std::optional<std::string> answer;
  if (columns.answer_of) answer = columns.answer_of(object);
  if (answer) {
    row.answer.push_back(*std::move(answer));
  } else {
    for (const std::string& column : columns.answer) {
      row.answer.push_back(ValueText(at(column)));
    }
  }
  if (!columns.label.empty()) {
    row.label = ValueText(at(columns.label));
    want(columns.label, row.label);
  }
  row.json = object.dump();
  return row;
}

std::string RowSource::Where(int64_t line) const {
  const RowPlace* place = nullptr;
  for (const RowPlace& one : places_) {
    if (one.before < line) place = &one;
  }
  if (place == nullptr) return absl::StrCat(name(), ":", line);
  return absl::StrCat(place->path, place->joint, line - place->before);
}

void RowSource::BeginPlace(RowPlace place) {
  if (!places_.empty() && places_.back().before == place.before) {
    places_.pop_back();
  }
  places_.push_back(std::move(place));
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
  rows->path_ = folder + "/(temporary file of rows)";
  return rows;
}

SpilledRows::~SpilledRows() {
  if (fd_ >= 0) close(fd_);
}

absl::Status SpilledRows::Add(const TableRow& row) {
  const size_t before = unwritten_.size();
  Put(unwritten_, &row.line, sizeof(row.line));
  unwritten_ += row.changed ? '\1' : '\0';
  PutText(unwritten_, row.missing);
  PutTexts(unwritten_, row.text);
  PutTexts(unwritten_, row.answer);
  PutText(unwritten_, row.label);
  PutText(unwritten_, row.json);
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
    if (n <= 0) {
      return WriteError(path_, errno,
                        static_cast<int64_t>(unwritten_.size() - done));
    }
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
    if (n <= 0) {
      return absl::InternalError(
          absl::StrCat(path_, ": cannot be read: ", strerror(errno)));
    }
    done += static_cast<size_t>(n);
  }
  std::string_view in = bytes;
  TableRow row;
  memcpy(&row.line, in.data(), sizeof(row.line));
  row.changed = in[sizeof(row.line)] != '\0';
  in.remove_prefix(sizeof(row.line) + 1);
  row.missing = TakeText(in);
  row.text = TakeTexts(in);
  row.answer = TakeTexts(in);
  row.label = TakeText(in);
  row.json = TakeText(in);
  return row;
}

}  // namespace sft::data
