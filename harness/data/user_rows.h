// One record of a user's table as a row of a task.
#ifndef HARNESS_DATA_USER_ROWS_H_
#define HARNESS_DATA_USER_ROWS_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/spec/user_data.h"

namespace sft {

absl::StatusOr<TaskKind> TaskKindByName(const std::string& name);

// What a task of this kind is by default: metrics, form, how answers end.
Task DefaultTask(TaskKind kind);

// The columns that make a row's text, and the label's ("" if it has none).
struct UserColumns {
  std::vector<std::string> text;
  std::string label;
};
UserColumns ColumnsOf(TaskKind kind, const UserData& data);

// The texts of a list at `column`: of a JSON list, or of a text with spaces
// between; empty where there is none.
std::vector<std::string> ListOfColumn(const nlohmann::json& record,
                                      const std::string& column);

// The error says which column is wrong, without file and line.
absl::StatusOr<Row> UserRow(const nlohmann::json& record, int64_t line,
                            const Task& task, const UserData& data);

}  // namespace sft

#endif  // HARNESS_DATA_USER_ROWS_H_
