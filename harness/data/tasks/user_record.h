// One record of a user's table, read by the parts of a task that its columns
// stand for.
#ifndef HARNESS_DATA_TASKS_USER_RECORD_H_
#define HARNESS_DATA_TASKS_USER_RECORD_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/spec/user_data.h"

namespace sft::data {

// The column that a part is read from: its own name unless columns: says
// otherwise.
std::string ColumnOf(const spec::UserData& data, const std::string& part);

// A text, a number or a truth value as text.
std::string TextOf(const nlohmann::json& value);
absl::Status WantedText(const std::string& what, const nlohmann::json& found);

// Errors say which column is wrong, without file and line.
class UserRecord {
 public:
  // `text_table`: every value is a text (CSV, TSV). Both are kept by reference.
  UserRecord(const nlohmann::json& record, const spec::UserData& data,
             bool text_table)
      : record_(record), data_(data), text_table_(text_table) {}

  bool text_table() const { return text_table_; }
  const spec::UserData& data() const { return data_; }
  // Whether columns: names this part.
  bool Names(const std::string& part) const;
  // Whether the record has a column of this name, whatever columns: says.
  bool HasColumn(const std::string& column) const;

  std::string Column(const std::string& part) const {
    return ColumnOf(data_, part);
  }
  // nullptr where the column is absent or null.
  const nlohmann::json* Find(const std::string& part) const;
  absl::StatusOr<const nlohmann::json*> Wanted(const std::string& part) const;
  absl::StatusOr<std::string> Text(const std::string& part) const;
  absl::StatusOr<std::string> TextOrNone(const std::string& part) const;
  // A list of words, or a text with spaces between them; in a table of texts a
  // list may stand as JSON.
  std::vector<std::string> Words(const nlohmann::json& value) const;

  // The user's template, or the task's own, with {column} filled in.
  absl::StatusOr<std::string> Prompt(std::string_view standard) const;
  // Turns of that prompt and of the answer.
  absl::Status Ask(std::string_view standard, const std::string& answer,
                   Row& row) const;

 private:
  const nlohmann::json& record_;
  const spec::UserData& data_;
  bool text_table_;
};

}  // namespace sft::data

#endif  // HARNESS_DATA_TASKS_USER_RECORD_H_
