// One record of a user's table as a row of a task.
#ifndef HARNESS_DATA_USER_USER_ROWS_H_
#define HARNESS_DATA_USER_USER_ROWS_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/spec/user_data.h"

namespace sft::data {

absl::StatusOr<TaskKind> TaskKindByName(const std::string& name);

// What a task of this kind is by default: metrics, form, how answers end.
Task DefaultTask(TaskKind kind);

// The parts of a row that `columns` may name, with what each is.
struct UserParts {
  std::vector<std::string> prompt;       // wanted
  std::vector<std::string> more_prompt;  // may be absent
  std::string label;                     // a class, "" if there is none
  std::vector<std::string> answer;       // one of them is wanted
  std::vector<std::string> more_answer;  // may be absent
  std::vector<std::string> other;        // known, but neither of these
};
// `columns`: those of the file, for tasks that take one of two layouts
// (messages, or instruction).
UserParts PartsOf(TaskKind kind, const spec::UserData& data,
                  const std::vector<std::string>& columns);

// Metrics that a task of this kind can have, its own first.
std::vector<std::string> MetricsOf(TaskKind kind);

// How conversations of {from, value} become such as are read.
inline constexpr char kShareGptRemedy[] =
    "conversations of {from, value}, as ShareGPT has them, are read as "
    "messages of {role, content}: rename the column and the keys, and from "
    "human and gpt to user and assistant";

// The tags of a list at `column`, or of a text with spaces between; empty where
// there is none.
std::vector<std::string> TagsOfColumn(const nlohmann::json& record,
                                      const std::string& column,
                                      bool text_table);

// Is every value of the file a text (CSV, TSV)?
bool IsTextTable(const spec::UserData& data, std::string_view path);

// The error says which column is wrong, without file and line.
absl::StatusOr<Row> UserRow(const nlohmann::json& record, int64_t line,
                            const Task& task, const spec::UserData& data,
                            bool text_table = false);

}  // namespace sft::data

#endif  // HARNESS_DATA_USER_USER_ROWS_H_
