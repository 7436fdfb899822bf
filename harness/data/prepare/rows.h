// Rows to prepare, and where they are kept: in memory, or in a file without a
// name of which only the offsets are in memory.
#ifndef HARNESS_DATA_PREPARE_ROWS_H_
#define HARNESS_DATA_PREPARE_ROWS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sft::data {

struct TableRow {
  int64_t line = 0;      // in its file, from 1; RowSource::Where tells more
  bool changed = false;  // a value was not in Unicode's form NFC
  std::string missing;   // the first wanted column that is absent or blank
  // What makes the row the one it is: the columns of the prompt, those of the
  // answer, and the label.
  std::vector<std::string> text, answer;
  std::string label;
  std::string json;  // the whole row as it is written, one object

  // The prompt, a column a line.
  std::string Text() const;
};

// What a row's answer is, where several columns say it together or one text has
// several meanings; nullopt: as its columns have it.
using AnswerOf =
    std::function<std::optional<std::string>(const nlohmann::json& row)>;

// Which columns a row is read from. A column that holds a conversation (a list
// of {role, content}) gives all messages to the prompt but the assistant's last
// one, which is an answer.
struct RowColumns {
  std::vector<std::string> text = {};    // of the prompt, wanted
  std::vector<std::string> also = {};    // of it, may be absent, but not all
  std::string label = "";                // wanted; "" = none
  std::vector<std::string> answer = {};  // may be absent
  // Strings are brought to Unicode's form NFC; but not in a row with an
  // "answer_start", which counts the characters of the text as it is.
  bool nfc = false;
  AnswerOf answer_of = nullptr;  // stands for the columns of the answer
};

TableRow RowFromJson(nlohmann::json object, int64_t line,
                     const RowColumns& columns);

// Where rows stand whose numbers are above `before`: "file:line", or "file: row
// number", with the number less `before`.
struct RowPlace {
  int64_t before = 0;
  std::string path;
  const char* joint = ":";
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual size_t size() const = 0;
  virtual absl::StatusOr<TableRow> Get(size_t index) const = 0;
  virtual const std::string& name() const = 0;
  // "file:line" of the row with that TableRow::line.
  std::string Where(int64_t line) const;
  // Rows that are added from here on stand there.
  void BeginPlace(RowPlace place);
  // The columns of prompt, answer and label, where the reader chose them.
  const std::vector<std::string>& read_from() const { return read_from_; }
  void set_read_from(std::vector<std::string> columns) {
    read_from_ = std::move(columns);
  }

 private:
  std::vector<std::string> read_from_;
  std::vector<RowPlace> places_;
};

class VectorRows : public RowSource {
 public:
  VectorRows(std::string name, std::vector<TableRow> rows)
      : name_(std::move(name)), rows_(std::move(rows)) {}
  size_t size() const override { return rows_.size(); }
  absl::StatusOr<TableRow> Get(size_t index) const override {
    return rows_[index];
  }
  const std::string& name() const override { return name_; }

 private:
  std::string name_;
  std::vector<TableRow> rows_;
};

class SpilledRows : public RowSource {
 public:
  // The file is made in `folder` and unlinked at once.
  static absl::StatusOr<std::unique_ptr<SpilledRows>> Create(
      const std::string& folder, const std::string& name);
  ~SpilledRows() override;
  absl::Status Add(const TableRow& row);
  size_t size() const override { return ends_.size(); }
  absl::StatusOr<TableRow> Get(size_t index) const override;
  const std::string& name() const override { return name_; }

 private:
  explicit SpilledRows(std::string name) : name_(std::move(name)) {}
  absl::Status Flush() const;

  std::string name_;
  std::string path_;  // as errors name it
  int fd_ = -1;
  std::vector<uint64_t> ends_;  // byte behind each row
  mutable std::string unwritten_;
  mutable uint64_t written_bytes_ = 0;
};

}  // namespace sft::data

#endif  // HARNESS_DATA_PREPARE_ROWS_H_
